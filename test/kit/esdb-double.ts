import { once, EventEmitter } from 'node:events';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status_pb from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import any_pb from 'google-protobuf/google/protobuf/any_pb.js';

const MAX_APPEND_BYTES = 1024 * 1024;
const TICKS_PER_MS = 10_000n;
type BatchReq = streams.BatchAppendReq;
type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

interface Stored {
  position: number;
  stream: string;
  revision: number;
  id: string;
  type: string;
  contentType: string;
  data: Uint8Array;
  metadata: Uint8Array;
  created: number;
}

interface Proposed {
  options: streams.BatchAppendReq.Options;
  messages: streams.BatchAppendReq.ProposedMessage[];
}

/**
 * EventStoreDB as far as the adapter depends on it, in memory, with the client's own generated definitions: batch
 * appends at expected revisions, idempotent event ids, sparse positions, inclusive reads, exclusive subscriptions with
 * filters, checkpoints and caught-up, system events among ours. And with faults to inject.
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
    /** The next appends are answered that their stream is elsewhere. */
    wrongVersion: 0,
    delayMs: 0,
  };
  appendsSeen = 0;
  port = 0;
  /** Where the leader is, when this node is not. */
  leader?: EsdbDouble;
  /** What appends came with: `Basic …`. */
  readonly authorizations = new Set<string>();
  private readonly reading = new Set<ReadCall>();
  private readonly log: Stored[] = [];
  private readonly byStream = new Map<string, Stored[]>();
  private readonly grown = new EventEmitter().setMaxListeners(0);
  private server: Server | undefined;

  /** Events before it are no longer read from a stream; Infinity: the stream is not there until it is appended to. */
  private readonly truncated = new Map<string, number>();
  private readonly tombstoned = new Set<string>();

  /** `noisy`: around each of our appends stand events of others. `tls`: certificate and key, in PEM. */
  constructor(
    private readonly noisy = false,
    private readonly tls?: { cert: Buffer; key: Buffer },
  ) {}

  get url(): string {
    return `esdb://127.0.0.1:${this.port}?tls=${this.tls !== undefined}`;
  }

  async start(): Promise<this> {
    this.server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
    this.server.addService(featuresService.ServerFeaturesService as never, {
      getSupportedMethods: (_call: unknown, answer: sendUnaryData<features.SupportedMethods>) =>
        answer(null, this.methods()),
    });
    const implementation: UntypedServiceImplementation = {
      read: (call: ReadCall) => void this.read(call),
      batchAppend: (call: ServerDuplexStream<BatchReq, streams.BatchAppendResp>) => this.batchAppend(call),
    };
    for (const method of ['append', 'delete', 'tombstone']) {
      implementation[method] = (_call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) =>
        answer({ code: status.UNIMPLEMENTED });
    }
    this.server.addService(streamsService.StreamsService as never, implementation);
    const server = this.server;
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
    for (const call of this.reading) {
      call.emit('error', Object.assign(new Error('shutting down'), { code: status.CANCELLED }));
    }
    this.kill();
  }

  /**
   * By hand, as the server does it. Softly: the stream's metadata says from where on it is read; appends continue its
   * revisions. For good: an event of the server's own ends the stream. What was appended stays in $all until a scavenge.
   */
  delete(stream: string, how: 'soft' | 'hard' | { before: number }): void {
    const json = (value: object) => ({ contentType: 'application/json', data: Buffer.from(JSON.stringify(value)) });
    const id = crypto.randomUUID();
    if (how === 'hard') {
      this.store(stream, [{ id, type: '$streamDeleted', ...json({}) }]);
      this.tombstoned.add(stream);
      return;
    }
    const before = how === 'soft' ? (this.byStream.get(stream)?.length ?? 0) : how.before;
    this.truncated.set(stream, before);
    this.store(`$$${stream}`, [{ id, type: '$metadata', ...json({ $tb: before }) }]);
  }

  private credentials(): ServerCredentials {
    if (!this.tls) return ServerCredentials.createInsecure();
    return ServerCredentials.createSsl(null, [{ cert_chain: this.tls.cert, private_key: this.tls.key }]);
  }

  /** Something of the server's own or of another application, between our events. */
  foreign(stream = '$stats-127.0.0.1:2113', type = '$statsCollected'): void {
    this.store(stream, [{ id: crypto.randomUUID(), type, contentType: 'application/json', data: Buffer.from('{}') }]);
  }

  private methods(): features.SupportedMethods {
    const methods = new features.SupportedMethods();
    methods.setEventStoreServerVersion('24.10.0');
    for (const name of ['batchappend', 'append', 'read']) {
      const method = new features.SupportedMethod();
      method.setMethodName(name);
      method.setServiceName('event_store.client.streams.streams');
      if (name === 'read') method.setFeaturesList(['position', 'events', 'stream', 'all']);
      methods.addMethods(method);
    }
    return methods;
  }

  private store(
    stream: string,
    events: (Pick<Stored, 'id' | 'type' | 'contentType' | 'data'> & { metadata?: Uint8Array })[],
  ): Stored {
    const known = this.byStream.get(stream) ?? [];
    this.byStream.set(stream, known);
    for (const event of events) {
      const position = (this.log.at(-1)?.position ?? 0) + 131;
      const stored = {
        metadata: Buffer.from(''),
        ...event,
        position,
        stream,
        revision: known.length,
        created: Date.now(),
      };
      known.push(stored);
      this.log.push(stored);
    }
    this.grown.emit('grown');
    return known.at(-1)!;
  }

  private batchAppend(call: ServerDuplexStream<BatchReq, streams.BatchAppendResp>): void {
    const pending = new Map<string, Proposed>();
    for (const value of call.metadata.get('authorization')) this.authorizations.add(String(value));
    call.on('error', () => {});
    call.on('end', () => call.end());
    call.on('data', (request: BatchReq) => {
      const key = JSON.stringify(request.getCorrelationId()!.toObject());
      const options = request.getOptions();
      if (options) pending.set(key, { options, messages: [] });
      const proposed = pending.get(key)!;
      proposed.messages.push(...request.getProposedMessagesList());
      if (!request.getIsFinal()) return;
      pending.delete(key);
      setTimeout(() => this.answer(call, request, proposed), this.faults.delayMs);
    });
  }

  private answer(
    call: ServerDuplexStream<BatchReq, streams.BatchAppendResp>,
    request: BatchReq,
    proposed: Proposed,
  ): void {
    this.appendsSeen++;
    if (this.faults.mute) return;
    if (this.faults.notLeader > 0) {
      this.faults.notLeader--;
      const metadata = new Metadata();
      metadata.set('exception', 'not-leader');
      metadata.set('leader-endpoint-host', '127.0.0.1');
      metadata.set('leader-endpoint-port', String((this.leader ?? this).port));
      call.emit('error', Object.assign(new Error('Leader info available'), { code: status.NOT_FOUND, metadata }));
      return;
    }
    const response = this.append(proposed);
    response.setCorrelationId(request.getCorrelationId());
    response.setStreamIdentifier(proposed.options.getStreamIdentifier());
    if (this.faults.loseAnswer) {
      this.faults.loseAnswer = false;
      call.emit('error', Object.assign(new Error('connection lost'), { code: status.UNAVAILABLE }));
    } else call.write(response);
  }

  private append({ options, messages }: Proposed): streams.BatchAppendResp {
    const stream = Buffer.from(options.getStreamIdentifier()!.getStreamName_asU8()).toString();
    const { ExpectedStreamPositionCase: Expected } = streams.BatchAppendReq.Options;
    if (this.tombstoned.has(stream)) {
      const details = new shared.StreamDeleted();
      details.setStreamIdentifier(options.getStreamIdentifier());
      return failure('StreamDeleted', details.serializeBinary());
    }
    const known = this.byStream.get(stream) ?? [];
    const asked = options.getExpectedStreamPositionCase();
    const any = asked === Expected.ANY;
    const expected =
      asked === Expected.STREAM_POSITION ? Number(options.getStreamPosition()) : any ? known.length - 1 : -1;
    const events = messages.map((message) => ({
      id: message.getId()!.getString(),
      type: message.getMetadataMap().get('type')!,
      contentType: message.getMetadataMap().get('content-type')!,
      data: message.getData_asU8(),
      metadata: message.getCustomMetadata_asU8(),
    }));
    const bytes = events.reduce(
      (sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length,
      0,
    );
    if (bytes > MAX_APPEND_BYTES) {
      const details = new shared.MaximumAppendSizeExceeded();
      details.setMaxappendsize(MAX_APPEND_BYTES);
      return failure('MaximumAppendSizeExceeded', details.serializeBinary());
    }
    const stands = known.slice(expected + 1, expected + 1 + events.length);
    let last = stands.at(-1);
    const wrong = this.faults.wrongVersion > 0;
    if (wrong) this.faults.wrongVersion--;
    if (!wrong && expected === known.length - 1) {
      if (this.noisy) this.foreign();
      last = this.store(stream, events);
      if (this.noisy) this.foreign();
    } else if (wrong || stands.length < events.length || !events.every(({ id }, index) => stands[index]!.id === id)) {
      const details = new shared.WrongExpectedVersion();
      if (known.length > 0) details.setCurrentStreamRevision(String(known.length - 1));
      details.setExpectedStreamPosition(String(Math.max(expected, 0)));
      return failure('WrongExpectedVersion', details.serializeBinary());
    }
    const success = new streams.BatchAppendResp.Success();
    success.setCurrentRevision(String(last!.revision));
    const position = new shared.AllStreamPosition();
    position.setCommitPosition(String(last!.position));
    position.setPreparePosition(String(last!.position));
    success.setPosition(position);
    const response = new streams.BatchAppendResp();
    response.setSuccess(success);
    return response;
  }

  private async read(call: ReadCall): Promise<void> {
    call.on('error', () => {});
    while (this.faults.frozen && !call.cancelled) await new Promise((resolve) => setTimeout(resolve, 20));
    const options = call.request.getOptions()!;
    if (options.hasSubscription()) return this.subscribe(call, options);
    const backwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
    const count = Number(options.getCount());
    const named = options.getStream();
    const stream = named && Buffer.from(named.getStreamIdentifier()!.getStreamName_asU8()).toString();
    if (stream !== undefined && this.tombstoned.has(stream)) {
      const metadata = new Metadata();
      metadata.set('exception', 'stream-deleted');
      metadata.set('stream-name', stream);
      call.emit('error', Object.assign(new Error('deleted'), { code: status.FAILED_PRECONDITION, metadata }));
      return;
    }
    const least = this.truncated.get(stream ?? '') ?? 0;
    const source =
      stream === undefined ? this.log : this.byStream.get(stream)?.filter(({ revision }) => revision >= least);
    if (!source || (least > 0 && source.length === 0)) {
      const missing = new streams.ReadResp.StreamNotFound();
      missing.setStreamIdentifier(named!.getStreamIdentifier());
      const response = new streams.ReadResp();
      response.setStreamNotFound(missing);
      call.write(response);
      call.end();
      return;
    }
    const from =
      stream === undefined
        ? Number(options.getAll()!.getPosition()?.getCommitPosition() ?? 0)
        : Number(named!.getRevision());
    const end = stream === undefined ? options.getAll()!.hasEnd() : named!.hasEnd();
    const key = (event: Stored) => (stream === undefined ? event.position : event.revision);
    const found = backwards
      ? // Backwards, a position is exclusive on $all: it is the place between two events.
        source.filter((event) => end || key(event) < from).toReversed()
      : source.filter((event) => key(event) >= from);
    for (const event of found.slice(0, count)) call.write(delivered(event));
    call.end();
  }

  private async subscribe(call: ReadCall, options: streams.ReadReq.Options): Promise<void> {
    const all = options.getAll()!;
    const prefixes = options.getFilter()?.getStreamIdentifier()?.getPrefixList() ?? [];
    let after = all.hasEnd() ? (this.log.at(-1)?.position ?? 0) : Number(all.getPosition()?.getCommitPosition() ?? 0);
    const confirmation = new streams.ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId(crypto.randomUUID());
    const confirmed = new streams.ReadResp();
    confirmed.setConfirmation(confirmation);
    call.write(confirmed);
    this.reading.add(call);
    call.on('close', () => this.reading.delete(call)).on('cancelled', () => this.reading.delete(call));
    for (;;) {
      if (call.cancelled || call.destroyed) return;
      const fresh = this.faults.frozen ? [] : this.log.filter(({ position }) => position > after);
      for (const event of fresh) {
        after = event.position;
        if (prefixes.length > 0 && !prefixes.some((prefix) => event.stream.startsWith(prefix))) continue;
        call.write(delivered(event));
        if (this.faults.twice) call.write(delivered(event));
      }
      if (fresh.length > 0) call.write(checkpoint(after));
      const caughtUp = new streams.ReadResp();
      caughtUp.setCaughtUp(new streams.ReadResp.CaughtUp());
      call.write(caughtUp);
      await once(this.grown, 'grown');
    }
  }
}

function failure(name: string, details: Uint8Array): streams.BatchAppendResp {
  const packed = new any_pb.Any();
  packed.pack(details, `event_store.client.${name}`);
  const error = new status_pb.Status();
  error.setCode(status.UNKNOWN as never);
  error.setMessage(name);
  error.setDetails(packed);
  const response = new streams.BatchAppendResp();
  response.setError(error);
  return response;
}

function delivered(event: Stored): streams.ReadResp {
  const id = new shared.UUID();
  id.setString(event.id);
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(event.stream));
  const record = new streams.ReadResp.ReadEvent.RecordedEvent();
  record.setId(id);
  record.setStreamIdentifier(identifier);
  record.setStreamRevision(String(event.revision));
  record.setCommitPosition(String(event.position));
  record.setPreparePosition(String(event.position));
  record.setData(event.data);
  record.setCustomMetadata(event.metadata);
  record.getMetadataMap().set('type', event.type);
  record.getMetadataMap().set('content-type', event.contentType);
  // .NET ticks since 1970, as the client reads them.
  record.getMetadataMap().set('created', String(BigInt(event.created) * TICKS_PER_MS));
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(record);
  read.setCommitPosition(String(event.position));
  const response = new streams.ReadResp();
  response.setEvent(read);
  return response;
}

function checkpoint(position: number): streams.ReadResp {
  const reached = new streams.ReadResp.Checkpoint();
  reached.setCommitPosition(String(position));
  reached.setPreparePosition(String(position));
  const response = new streams.ReadResp();
  response.setCheckpoint(reached);
  return response;
}
