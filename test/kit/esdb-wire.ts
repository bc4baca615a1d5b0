import { Metadata, status } from '@grpc/grpc-js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status_pb from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import any_pb from 'google-protobuf/google/protobuf/any_pb.js';
import empty_pb from 'google-protobuf/google/protobuf/empty_pb.js';
import { NO_STREAM, type Expected, type Proposed, type Stored } from './esdb-log.js';

/* What EventStoreDB says, and is asked, in the messages of its client's own generated definitions. */

const TICKS_PER_MS = 10_000n;

export const nameOf = (identifier: shared.StreamIdentifier | undefined): string =>
  Buffer.from(identifier!.getStreamName_asU8()).toString();

interface ExpectedChoice {
  hasAny(): boolean;
  hasStreamExists(): boolean;
  hasNoStream(): boolean;
}
export const expectedOf = (options: ExpectedChoice, exact: string): Expected => {
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'exists';
  return options.hasNoStream() ? NO_STREAM : BigInt(exact);
};

export const proposed = (
  message: streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage,
): Proposed => ({
  id: message.getId()!.getString(),
  type: message.getMetadataMap().get('type')!,
  contentType: message.getMetadataMap().get('content-type')!,
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

/** As the server counts it. */
export const sizeOf = ({ type, data, metadata }: Proposed): number => data.length + metadata.length + 2 * type.length;

/** Which events a subscription is for, and after how many that were looked at it tells how far it is. */
export function filterOf(options: streams.ReadReq.Options) {
  const filter = options.getFilter();
  if (!filter) return { passes: () => true };
  const type = filter.getEventType();
  const expression = (type ?? filter.getStreamIdentifier())!;
  const [regex, prefixes] = [expression.getRegex(), expression.getPrefixList()];
  const matches = regex
    ? (text: string) => new RegExp(regex).test(text)
    : (text: string) => prefixes.some((prefix) => text.startsWith(prefix));
  const window = filter.hasMax() ? filter.getMax() : 32;
  return {
    passes: (event: Stored) => matches(type ? event.type : event.stream),
    interval: window * filter.getCheckpointintervalmultiplier(),
  };
}

/** An answer that ends the call. `exception`: the name by which the client tells it from others of the same code. */
export function refusal(code: status, message: string, exception?: string, details: Record<string, string> = {}) {
  const metadata = new Metadata();
  if (exception) metadata.set('exception', exception);
  for (const [key, value] of Object.entries(details)) metadata.set(key, value);
  return Object.assign(new Error(message), { code, details: message, metadata });
}

export const refusals = {
  deleted: (stream: string) =>
    refusal(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, 'stream-deleted', {
      'stream-name': stream,
    }),
  denied: () => refusal(status.PERMISSION_DENIED, 'Access Denied', 'access-denied'),
  notReady: () => refusal(status.UNAVAILABLE, 'Server Is Not Ready'),
  notLeader: (leader: { port: number } | undefined) =>
    leader
      ? refusal(status.NOT_FOUND, 'Leader info available', 'not-leader', {
          'leader-endpoint-host': '127.0.0.1',
          'leader-endpoint-port': String(leader.port),
        })
      : refusal(status.UNKNOWN, 'No leader info available in response'),
  tooLarge: (limit: number) =>
    refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, 'maximum-append-size-exceeded', {
      'maximum-append-size': String(limit),
    }),
  wrongVersion: (stream: string, expected: Expected, current: bigint) =>
    refusal(status.FAILED_PRECONDITION, 'Delete failed due to WrongExpectedVersion.', 'wrong-expected-version', {
      'stream-name': stream,
      'expected-version': String(typeof expected === 'bigint' ? expected : expected === 'any' ? -2 : -4),
      'actual-version': String(current),
    }),
};

/** The failures of a batch append, which end nothing: they are answers to one of the many appends on a stream. */
export const failures = {
  deleted(stream: string) {
    const details = new shared.StreamDeleted();
    details.setStreamIdentifier(identifierOf(stream));
    return failure('StreamDeleted', details.serializeBinary());
  },
  denied: () => failure('AccessDenied', new shared.AccessDenied().serializeBinary()),
  timeout: () => failure('Timeout', new shared.Timeout().serializeBinary()),
  tooLarge(limit: number) {
    const details = new shared.MaximumAppendSizeExceeded();
    details.setMaxappendsize(limit);
    return failure('MaximumAppendSizeExceeded', details.serializeBinary());
  },
  wrongVersion(expected: Expected, current: bigint) {
    const details = new shared.WrongExpectedVersion();
    if (expected === 'any') details.setExpectedAny(new empty_pb.Empty());
    else if (expected === 'exists') details.setExpectedStreamExists(new empty_pb.Empty());
    else if (expected === NO_STREAM) details.setExpectedNoStream(new empty_pb.Empty());
    else details.setExpectedStreamPosition(String(expected));
    if (current < 0n) details.setCurrentNoStream(new empty_pb.Empty());
    else details.setCurrentStreamRevision(String(current));
    return failure('WrongExpectedVersion', details.serializeBinary());
  },
  /** Without a type of its own. */
  notReady: () => failure('Server Is Not Ready', new empty_pb.Empty().serializeBinary(), 'google.protobuf.Empty'),
};

function failure(message: string, details: Uint8Array, type = `event_store.client.${message}`) {
  const packed = new any_pb.Any();
  packed.pack(details, type);
  const error = new status_pb.Status();
  error.setCode(status.UNKNOWN as never);
  error.setMessage(message);
  error.setDetails(packed);
  const response = new streams.BatchAppendResp();
  response.setError(error);
  return response;
}

export function batchSuccess({ revision, position }: Stored) {
  const at = new shared.AllStreamPosition();
  at.setCommitPosition(String(position));
  at.setPreparePosition(String(position));
  const success = new streams.BatchAppendResp.Success();
  success.setCurrentRevision(String(revision));
  success.setPosition(at);
  const response = new streams.BatchAppendResp();
  response.setSuccess(success);
  return response;
}

export function appendSuccess({ revision, position }: Stored) {
  const at = new streams.AppendResp.Position();
  at.setCommitPosition(String(position));
  at.setPreparePosition(String(position));
  const success = new streams.AppendResp.Success();
  success.setCurrentRevision(String(revision));
  success.setPosition(at);
  const response = new streams.AppendResp();
  response.setSuccess(success);
  return response;
}

export function appendWrongVersion(expected: Expected, current: bigint) {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'exists') wrong.setExpectedStreamExists(new shared.Empty());
  else if (expected === NO_STREAM) wrong.setExpectedNoStream(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  if (current < 0n) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(current));
  const response = new streams.AppendResp();
  response.setWrongExpectedVersion(wrong);
  return response;
}

export function deletedAt<R extends streams.DeleteResp | streams.TombstoneResp>(response: R, { position }: Stored): R {
  const at = new streams.DeleteResp.Position();
  at.setCommitPosition(String(position));
  at.setPreparePosition(String(position));
  response.setPosition(at as never);
  return response;
}

/** What is said while a stream or $all is read. */
export const reading = {
  /** An event, or a link with what it points at, if that is still there. */
  event(event: Stored | undefined, link?: Stored) {
    const read = new streams.ReadResp.ReadEvent();
    if (event) read.setEvent(record(event));
    if (link) read.setLink(record(link));
    read.setCommitPosition(String((link ?? event)!.position));
    const response = new streams.ReadResp();
    response.setEvent(read);
    return response;
  },
  checkpoint(position: bigint) {
    const reached = new streams.ReadResp.Checkpoint();
    reached.setCommitPosition(String(position));
    reached.setPreparePosition(String(position));
    const response = new streams.ReadResp();
    response.setCheckpoint(reached);
    return response;
  },
  confirmed() {
    const confirmation = new streams.ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId(crypto.randomUUID());
    const response = new streams.ReadResp();
    response.setConfirmation(confirmation);
    return response;
  },
  caughtUp() {
    const response = new streams.ReadResp();
    response.setCaughtUp(new streams.ReadResp.CaughtUp());
    return response;
  },
  notFound(stream: string) {
    const missing = new streams.ReadResp.StreamNotFound();
    missing.setStreamIdentifier(identifierOf(stream));
    const response = new streams.ReadResp();
    response.setStreamNotFound(missing);
    return response;
  },
};

function record(event: Stored) {
  const id = new shared.UUID();
  id.setString(event.id);
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(id);
  recorded.setStreamIdentifier(identifierOf(event.stream));
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(event.position));
  recorded.setPreparePosition(String(event.position));
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  // .NET ticks since 1970, as the client reads them.
  recorded.getMetadataMap().set('created', String(BigInt(event.createdMs) * TICKS_PER_MS));
  return recorded;
}

export function identifierOf(stream: string): shared.StreamIdentifier {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  return identifier;
}

export function clusterInfo(nodes: readonly { port: number; leads: boolean; alive: boolean }[]): gossip.ClusterInfo {
  const { FOLLOWER, LEADER } = gossip.MemberInfo.VNodeState;
  const members = nodes.map(({ port, leads, alive }) => {
    const id = new shared.UUID();
    id.setString(crypto.randomUUID());
    const endPoint = new gossip.EndPoint();
    endPoint.setAddress('127.0.0.1');
    endPoint.setPort(port);
    const member = new gossip.MemberInfo();
    member.setInstanceId(id);
    member.setTimeStamp(String(BigInt(Date.now()) * TICKS_PER_MS));
    member.setState(leads ? LEADER : FOLLOWER);
    member.setIsAlive(alive);
    member.setHttpEndPoint(endPoint);
    return member;
  });
  const info = new gossip.ClusterInfo();
  info.setMembersList(members);
  return info;
}
