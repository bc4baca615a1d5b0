import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { EsdbLog, type Expected, type Outcome, type Proposed, type Stored } from './esdb-log.js';
import {
  appendSuccess,
  appendWrongVersion,
  batchSuccess,
  clusterInfo,
  deletedAt,
  expectedOf,
  failures,
  filterOf,
  identifierOf,
  nameOf,
  proposed,
  reading,
  refusal,
  refusals,
  sizeOf,
} from './esdb-wire.js';

type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;
type BatchCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;
type AppendCall = ServerReadableStream<streams.AppendReq, streams.AppendResp>;
type Asked = Pick<ServerUnaryCall<unknown, unknown>, 'metadata'>;
type Refusal = ReturnType<typeof refusal>;

interface Pending {
  stream: string;
  expected: Expected;
  events: Proposed[];
  bytes: number;
}

/**
 * EventStoreDB 24.10 as far as the adapter depends on it, in memory, with the client's own generated definitions: the
 * rules of {@link EsdbLog}, appends one by one and in batches, reads of streams and $all, links, subscriptions with
 * filters, checkpoints and caught-up, deletions, accounts, gossip, leaders. And with faults to inject. Persistent
 * subscriptions, projections and operations are not there.
 *
 *     const double = await new EsdbDouble().start();
 *     EventStoreDBClient.connectionString(double.url);
 */
export class EsdbDouble {
  readonly faults = {
    /** Appends are neither done nor answered. */
    mute: false,
    /** The next append is done, its answer lost, and the connection of appends broken. */
    loseAnswer: false,
    /** Nothing is read or delivered. */
    frozen: false,
    /** Every event is delivered to subscribers twice. */
    twice: false,
    /** The next appends are answered that another node leads. */
    notLeader: 0,
    /** The next appends and reads are answered that the node is still starting. */
    notReady: 0,
    /** The next appends are answered that their stream is elsewhere. */
    wrongVersion: 0,
    delayMs: 0,
    /** The server's clock is ahead of ours: what is to be done by an instant of ours may be too late. */
    clockAheadMs: 0,
  };
  /** How many came in full, and how many were looked at. */
  appendsArrived = 0;
  appendsSeen = 0;
  readsSeen = 0;
  maxAppendBytes = 1024 * 1024;
  port = 0;
  /** What appends came with: `Basic …`. */
  readonly authorizations = new Set<string>();
  /** Who may come in, where there are certificates: `admin` may do all, others what streams allow to all. */
  readonly accounts = new Map([
    ['admin', 'changeit'],
    ['ops', 'changeit'],
  ]);
  private readonly open = new Set<ReadCall | BatchCall>();
  private server: Server | undefined;
  private readonly cluster: { log: EsdbLog; nodes: EsdbDouble[]; leader: EsdbDouble };

  /**
   * `noisy`: around each of our appends stand events of others. `tls`: certificate and key, in PEM. `peer`: a node of
   * the cluster that this one joins, as a follower with the same log.
   */
  constructor(
    private readonly noisy = false,
    private readonly tls?: { cert: Buffer; key: Buffer },
    peer?: EsdbDouble,
  ) {
    this.cluster = peer?.cluster ?? { log: new EsdbLog(), nodes: [], leader: this };
    this.cluster.nodes.push(this);
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=${this.tls !== undefined}`;
  }

  /** Of all nodes, which the client asks for their leader. */
  get clusterUrl(): string {
    return this.url.replace(/127[^?]*/, this.cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(','));
  }

  get leads(): boolean {
    return this.cluster.leader === this;
  }

  get alive(): boolean {
    return this.server !== undefined;
  }

  /** As if it had been elected. */
  lead(): void {
    this.cluster.leader = this;
  }

  async start(): Promise<this> {
    const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
    this.server = server;
    server.addService(featuresService.ServerFeaturesService as never, {
      getSupportedMethods: (_call: unknown, answer: sendUnaryData<features.SupportedMethods>) =>
        answer(null, this.methods()),
    });
    server.addService(gossipService.GossipService as never, {
      read: (_call: unknown, answer: sendUnaryData<gossip.ClusterInfo>) =>
        answer(null, clusterInfo(this.cluster.nodes)),
    });
    server.addService(streamsService.StreamsService as never, {
      read: (call: ReadCall) => void this.read(call),
      append: (call: AppendCall, answer: sendUnaryData<streams.AppendResp>) => this.append(call, answer),
      batchAppend: (call: BatchCall) => this.batchAppend(call),
      delete: (call: ServerUnaryCall<streams.DeleteReq, unknown>, answer: sendUnaryData<streams.DeleteResp>) =>
        this.remove(call, false, new streams.DeleteResp(), answer),
      tombstone: (call: ServerUnaryCall<streams.TombstoneReq, unknown>, answer: sendUnaryData<streams.TombstoneResp>) =>
        this.remove(call, true, new streams.TombstoneResp(), answer),
    });
    this.port = await new Promise((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${this.port}`, this.credentials(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return this;
  }

  /** Cuts every connection at once; {@link start} brings the same log back on the same port. */
  kill(): void {
    this.server?.forceShutdown();
    this.server = undefined;
  }

  /** As a node that is stopped in order: who reads is told CANCELLED, then nobody answers. */
  shutdown(): void {
    for (const call of this.open) call.emit('error', refusal(status.CANCELLED, 'shutting down'));
    this.kill();
  }

  /** By hand, as the server does it: softly, for good, or only what stands before a revision. */
  delete(stream: string, how: 'soft' | 'hard' | { before: number }): void {
    if (typeof how === 'object') this.cluster.log.truncate(stream, BigInt(how.before));
    else this.cluster.log.delete(stream, 'any', how === 'hard');
  }

  /** Something of the server's own or of another application, between our events. */
  foreign(stream = '$stats-127.0.0.1:2113', type = '$statsCollected'): void {
    this.cluster.log.foreign(stream, type);
  }

  private credentials(): ServerCredentials {
    if (!this.tls) return ServerCredentials.createInsecure();
    return ServerCredentials.createSsl(null, [{ cert_chain: this.tls.cert, private_key: this.tls.key }]);
  }

  private methods(): features.SupportedMethods {
    const methods = new features.SupportedMethods();
    methods.setEventStoreServerVersion('24.10.0');
    for (const name of ['batchappend', 'append', 'read', 'delete', 'tombstone']) {
      const method = new features.SupportedMethod();
      method.setMethodName(name);
      method.setServiceName('event_store.client.streams.streams');
      if (name === 'read') method.setFeaturesList(['position', 'events', 'stream', 'all']);
      methods.addMethods(method);
    }
    return methods;
  }

  /** Why this node does not do what it is asked; undefined when it does. */
  private refused({ metadata }: Asked, what?: 'read' | 'write', stream = '$all'): Refusal | undefined {
    const [header] = metadata.get('authorization').map(String);
    const [user, password] = Buffer.from(header?.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':');
    if (this.tls && header && this.accounts.get(user!) !== password) {
      return refusal(status.UNAUTHENTICATED, 'Bad HTTP status code: 401');
    }
    const known = this.tls ? (header ? user : 'nobody') : undefined;
    if (what && (known === 'nobody' || !this.cluster.log.may(what, known, stream))) return refusals.denied();
    if (metadata.get('requires-leader')[0] !== 'true' || this.leads) return undefined;
    return refusals.notLeader(this.cluster.leader);
  }

  private decide({ stream, expected, events }: Pending): Outcome {
    const { log } = this.cluster;
    if (this.noisy) log.foreign('$stats-127.0.0.1:2113', '$statsCollected');
    const outcome: Outcome = this.due('wrongVersion')
      ? { wrong: 'version', current: -1n }
      : log.append(stream, expected, events);
    if (this.noisy) log.foreign('$stats-127.0.0.1:2113', '$statsCollected');
    return outcome;
  }

  private batchAppend(call: BatchCall): void {
    const pending = new Map<string, Pending>();
    for (const value of call.metadata.get('authorization')) this.authorizations.add(String(value));
    this.listed(call);
    const stranger = this.refused({ metadata: call.metadata });
    if (stranger?.code === status.UNAUTHENTICATED) return void call.emit('error', stranger);
    call.on('end', () => call.end());
    call.on('data', (request: streams.BatchAppendReq) => {
      const key = JSON.stringify(request.getCorrelationId()!.toObject());
      const options = request.getOptions();
      const say = (response: streams.BatchAppendResp, stream: string) => {
        pending.delete(key);
        response.setCorrelationId(request.getCorrelationId());
        response.setStreamIdentifier(identifierOf(stream));
        call.write(response);
      };
      if (options) {
        const stream = nameOf(options.getStreamIdentifier());
        if (this.refused(call, 'write', stream)?.code === status.PERMISSION_DENIED)
          return say(failures.denied(), stream);
        const deadline = options.getDeadline()?.toDate().getTime() ?? Infinity;
        if (deadline <= Date.now() + this.faults.clockAheadMs) return say(failures.timeout(), stream);
        pending.set(key, { stream, expected: expectedOf(options, options.getStreamPosition()), events: [], bytes: 0 });
      }
      const append = pending.get(key);
      if (!append) return; // the rest of what was refused
      for (const event of request.getProposedMessagesList().map(proposed)) {
        append.events.push(event);
        append.bytes += sizeOf(event);
      }
      if (append.bytes > this.maxAppendBytes) return say(failures.tooLarge(this.maxAppendBytes), append.stream);
      if (!request.getIsFinal()) return;
      this.appendsArrived++;
      setTimeout(() => this.answerBatch(call, append, say), this.faults.delayMs);
    });
  }

  private answerBatch(
    call: BatchCall,
    append: Pending,
    say: (response: streams.BatchAppendResp, stream: string) => void,
  ): void {
    this.appendsSeen++;
    if (this.faults.mute || call.cancelled) return;
    if (this.due('notReady')) return say(failures.notReady(), append.stream);
    const elsewhere = this.due('notLeader') ? refusals.notLeader(this.cluster.leader) : this.refused(call);
    // Not an answer to this append: it breaks the stream of them all.
    if (elsewhere) return void call.emit('error', elsewhere);
    const outcome = this.decide(append);
    if (this.faults.loseAnswer) {
      this.faults.loseAnswer = false;
      return void call.emit('error', refusal(status.UNAVAILABLE, 'connection lost'));
    }
    if ('last' in outcome) say(batchSuccess(outcome.last), append.stream);
    else if (outcome.wrong === 'deleted') say(failures.deleted(append.stream), append.stream);
    else say(failures.wrongVersion(append.expected, outcome.current), append.stream);
  }

  /** One append a call: what the client does when a call has credentials of its own. */
  private append(call: AppendCall, answer: sendUnaryData<streams.AppendResp>): void {
    let append: Pending | undefined;
    let refused: Refusal | undefined;
    for (const value of call.metadata.get('authorization')) this.authorizations.add(String(value));
    call.on('data', (request: streams.AppendReq) => {
      const options = request.getOptions();
      if (options) {
        const stream = nameOf(options.getStreamIdentifier());
        refused = this.refused(call, 'write', stream);
        append = { stream, expected: expectedOf(options, options.getRevision()), events: [], bytes: 0 };
      } else if (append && request.getProposedMessage()) {
        const event = proposed(request.getProposedMessage()!);
        append.events.push(event);
        append.bytes += sizeOf(event);
        if (append.bytes > this.maxAppendBytes) refused ??= refusals.tooLarge(this.maxAppendBytes);
      }
    });
    call.on('end', () => {
      this.appendsSeen++;
      if (refused || !append) return answer(refused ?? refusal(status.INVALID_ARGUMENT, 'no options'));
      if (this.faults.mute) return;
      const { stream, expected } = append;
      const outcome = this.decide(append);
      if ('last' in outcome) answer(null, appendSuccess(outcome.last));
      else if (outcome.wrong === 'deleted') answer(refusals.deleted(stream));
      else answer(null, appendWrongVersion(expected, outcome.current));
    });
  }

  private remove<R extends streams.DeleteResp | streams.TombstoneResp>(
    call: ServerUnaryCall<streams.DeleteReq | streams.TombstoneReq, unknown>,
    forGood: boolean,
    response: R,
    answer: sendUnaryData<R>,
  ): void {
    const options = call.request.getOptions()!;
    const stream = nameOf(options.getStreamIdentifier());
    const expected = expectedOf(options, options.getRevision());
    const refused = this.refused(call, 'write', stream);
    if (refused) return answer(refused);
    const outcome = this.cluster.log.delete(stream, expected, forGood);
    if ('last' in outcome) answer(null, deletedAt(response, outcome.last));
    else if (outcome.wrong === 'deleted') answer(refusals.deleted(stream));
    else answer(refusals.wrongVersion(stream, expected, outcome.current));
  }

  private async read(call: ReadCall): Promise<void> {
    this.readsSeen++;
    this.listed(call);
    await this.thawed(call);
    const options = call.request.getOptions()!;
    const named = options.getStream();
    const stream = named && nameOf(named.getStreamIdentifier());
    const refused = this.due('notReady') ? refusals.notReady() : this.refused(call, 'read', stream);
    if (refused) return void call.emit('error', refused);
    const { log } = this.cluster;
    const found = stream === undefined ? log.all : log.read(stream);
    if (found === 'deleted') return void call.emit('error', refusals.deleted(stream!));
    if (options.hasSubscription()) return this.subscribe(call, options, stream);
    if (found === 'not-found') {
      call.write(reading.notFound(stream!));
      return void call.end();
    }
    for (const event of this.page(found, options)) call.write(this.delivered(event, options));
    call.end();
  }

  /** Forwards, a place is included; backwards, a revision is, and a position, which is a place between events, is not. */
  private page(found: readonly Stored[], options: streams.ReadReq.Options): Stored[] {
    const count = Number(options.getCount());
    const named = options.getStream();
    const position = options.getAll()?.getPosition();
    const from = BigInt(position?.getCommitPosition() ?? named?.getRevision() ?? 0);
    const index = named ? found.findIndex(({ revision }) => revision >= from) : this.cluster.log.indexFrom(from);
    if (options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS) {
      if (index < 0 || options.getAll()?.hasEnd() || named?.hasEnd()) return [];
      return found.slice(index, index + count);
    }
    const end = options.getAll()?.hasEnd() || named?.hasEnd() || index < 0;
    const before = end ? found.length : named ? index + (found[index]!.revision === from ? 1 : 0) : index;
    return found.slice(Math.max(before - count, 0), before).toReversed();
  }

  private delivered(event: Stored, options: streams.ReadReq.Options): streams.ReadResp {
    const link = options.getResolveLinks() && event.type === '$>';
    return link ? reading.event(this.cluster.log.resolve(event), event) : reading.event(event);
  }

  /** What came before is caught up with in pages, then it is live; who begins at the end is live at once. */
  private async subscribe(call: ReadCall, options: streams.ReadReq.Options, stream?: string): Promise<void> {
    const { log } = this.cluster;
    const { passes, interval } = filterOf(options);
    const place = options.getStream() ?? options.getAll()!;
    let next = place.hasEnd() ? log.all.length : 0;
    const after = BigInt(options.getStream()?.hasRevision() ? options.getStream()!.getRevision() : -1);
    const position = options.getAll()?.getPosition();
    if (position) next = log.indexFrom(BigInt(position.getCommitPosition()) + 1n);
    const gone = new AbortController();
    call.on('close', () => gone.abort()).on('cancelled', () => gone.abort());
    call.write(reading.confirmed());
    let live = next === log.all.length;
    if (live) call.write(reading.caughtUp());
    let considered = 0;
    while (!gone.signal.aborted) {
      await this.thawed(call);
      for (; next < log.all.length; next++) {
        const event = log.all[next]!;
        const wanted = stream === undefined ? passes(event) : event.stream === stream && event.revision > after;
        if (wanted) {
          call.write(this.delivered(event, options));
          if (this.faults.twice) call.write(this.delivered(event, options));
        }
        if (interval && ++considered % interval === 0) call.write(reading.checkpoint(event.position));
      }
      if (!live) {
        if (interval && considered % interval !== 0) call.write(reading.checkpoint(log.all.at(-1)!.position));
        call.write(reading.caughtUp());
        [live, considered] = [true, 0];
      }
      await once(log.grown, 'grown', { signal: gone.signal }).catch(() => {}); // rejects only when aborted
    }
  }

  /** Whether a fault that comes a number of times comes now. */
  private due(fault: 'notLeader' | 'notReady' | 'wrongVersion'): boolean {
    return this.faults[fault] > 0 && this.faults[fault]-- > 0;
  }

  private async thawed(call: ReadCall): Promise<void> {
    while (this.faults.frozen && !call.cancelled) await sleep(20);
  }

  private listed(call: ReadCall | BatchCall): void {
    this.open.add(call);
    const gone = () => this.open.delete(call);
    call.on('error', gone).on('close', gone).on('cancelled', gone);
  }
}
