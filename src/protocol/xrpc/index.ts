/**
 * XRPC: methods declared once, a router that keeps what they declare, event-stream frames, and a
 * typed client. https://atproto.com/specs/xrpc https://atproto.com/specs/event-stream
 */
export { mediaType, parseJson } from './body.ts'
export {
  type BinaryAnswer,
  type CallOptions,
  type Fetch,
  subscriptionUrl,
  type XrpcClient,
  type XrpcClientOptions,
  xrpcClient,
  xrpcUrl,
} from './client.ts'
export {
  authRequired,
  errorName,
  errorResponse,
  invalidRequest,
  toXrpcError,
  XrpcError,
  type XrpcErrorOptions,
} from './error.ts'
export { type EventLog, followLog, framesOnce } from './event-log.ts'
export { failureLog } from './failure-log.ts'
export {
  decodeFrame,
  type ErrorFrame,
  encodeErrorFrame,
  encodeFrame,
  frameHeader,
  joinFrame,
  type MessageFrame,
  maxFrameBytes,
  splitFrame,
} from './frames.ts'
export {
  corsHeaders,
  type Frame,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
} from './http.ts'
export {
  type AnswerOf,
  type Auth,
  type BinaryBody,
  type BinaryInput,
  type Call,
  type CallDeclaration,
  type InputOf,
  jsonOutput,
  type Limits,
  type Method,
  type MethodSchema,
  noAuth,
  type OutputOf,
  type ParamsInputOf,
  type ParamsOf,
  type ProcedureSchema,
  procedure,
  type QuerySchema,
  query,
  type RawOutput,
  rawJson,
  type SendOf,
  type SubscriptionDeclaration,
  type SubscriptionSchema,
  subscription,
} from './method.ts'
export { formatParams } from './params.ts'
export { type Counter, Rated, type RateLimits, type RateRule } from './rates.ts'
export { type GarbageReason, type RepoEvent, readRepoEvent } from './repo-event.ts'
export { createRouter, preflight, type Router, type RouterOptions } from './router.ts'
