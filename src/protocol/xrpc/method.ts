import type { BaseSchema, InferInput, InferOutput } from '@atcute/lexicons/validations'
import type {
  BodySchema,
  MethodSchema,
  ProcedureSchema,
  QuerySchema,
  SubscriptionSchema,
} from '#protocol/lexicon'
import { type FrameBatch, type HttpRequest, jsonType } from './http.ts'
import type { RateRule } from './rates.ts'

export type { MethodSchema, ProcedureSchema, QuerySchema, SubscriptionSchema }

/**
 * Decides who is calling, from the headers; the result becomes `caller`. Throws XrpcError 401 (or
 * 403). It must not read the body.
 */
export type Auth<C> = (request: HttpRequest, nsid: string) => C | Promise<C>

/** Everybody may call. */
export function noAuth(): undefined {
  return undefined
}

/** A binary body that comes in: read it once, at your own pace; it throws 413 above the limit. */
export interface BinaryInput {
  /** Media type without parameters, lower case. */
  encoding: string
  /** What content-length says, when it says anything; not to be trusted. */
  sizeHint: number | undefined
  body: AsyncIterable<Uint8Array>
}

/** A body that is already encoded: binary answers, and JSON that was made elsewhere. */
export interface RawOutput {
  /** 200 when left out. */
  status?: number
  encoding: string
  body: string | Uint8Array | AsyncIterable<Uint8Array>
  headers?: Record<string, string>
}

/** A JSON answer with response headers of its own. */
export function jsonOutput(value: unknown, headers: Record<string, string>): RawOutput {
  return { encoding: jsonType, body: JSON.stringify(value), headers }
}

/** A JSON answer that was written already, as UTF-8. */
export function rawJson(body: Uint8Array): RawOutput {
  return { encoding: jsonType, body }
}

/** `T` is the call as the method's handler sees it. */
export interface Limits<T = Call<unknown, unknown, unknown>> {
  /** Bytes of the request body after decompression. Default 1 MiB for JSON, 5 MiB for the rest. */
  bodyBytes?: number
  /** How often, where the router counts: taken when caller and input are known, before `handle`. */
  rates?: readonly RateRule<T>[]
}

/** Parameters after parsing: numbers, booleans, arrays and defaults as the lexicon says. */
export type ParamsOf<S extends { params: BaseSchema | null }> = S['params'] extends BaseSchema
  ? InferOutput<S['params']>
  : Record<never, never>

/** Parameters as a caller gives them: what has a default may be left out. */
export type ParamsInputOf<S extends { params: BaseSchema | null }> = S['params'] extends BaseSchema
  ? InferInput<S['params']>
  : Record<never, never>

/** Bodies by what their schema says: JSON of a shape, bytes, or nothing. */
interface JsonBody<T extends BaseSchema = BaseSchema> {
  readonly type: 'lex'
  readonly schema: T
}
interface BinaryBodySchema {
  readonly type: 'blob'
}

export type InputOf<S> = S extends { input: infer B }
  ? B extends JsonBody<infer T>
    ? InferOutput<T>
    : B extends BinaryBodySchema
      ? BinaryInput
      : undefined
  : undefined

export type OutputOf<S extends { output: BodySchema }> =
  S['output'] extends JsonBody<infer T>
    ? InferInput<T> | RawOutput
    : S['output'] extends BinaryBodySchema
      ? RawOutput
      : // biome-ignore lint/suspicious/noConfusingVoidType: a handler without output returns nothing
        void

/** What a client sends to a procedure. */
export type SendOf<S> = S extends { input: infer B }
  ? B extends JsonBody<infer T>
    ? InferInput<T>
    : B extends BinaryBodySchema
      ? BinaryBody
      : undefined
  : undefined

/** What a client gets back as JSON; undefined where the lexicon has no JSON output. */
export type AnswerOf<S> = S extends { output: infer B }
  ? B extends JsonBody<infer T>
    ? InferOutput<T>
    : undefined
  : undefined

/** A request body to send that is not JSON. */
export interface BinaryBody {
  encoding: string
  body: Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>
}

/** What a handler is given, and nothing else. */
export interface Call<P, I, C> {
  params: P
  input: I
  caller: C
  request: HttpRequest
}

/**
 * Nothing is ever of this type. As part of a return type it makes the compiler keep literals
 * (`$type: 'blob'`, `at://${did}/…`) while the real output type is not yet inferred.
 */
interface Literals {
  readonly [impossible]: never
  [key: string]: Literal
}
declare const impossible: unique symbol
type Literal = `${string}.${string}` | '' | 0 | true | Literal[] | { [key: string]: Literal }

export interface CallDeclaration<S extends QuerySchema | ProcedureSchema, C, O = OutputOf<S>> {
  auth: Auth<C>
  limits?: Limits<Call<ParamsOf<S>, InputOf<S>, NoInfer<C>>>
  handle(
    call: Call<ParamsOf<S>, InputOf<S>, C>,
  ): NoInfer<O> | Literals | Promise<NoInfer<O> | Literals>
}

export interface SubscriptionDeclaration<S extends SubscriptionSchema, C> {
  auth: Auth<C>
  handle(call: Call<ParamsOf<S>, undefined, C>): AsyncIterable<FrameBatch>
}

/** A declared query or procedure, its types erased: what a router is made of. */
export interface CallMethod {
  readonly nsid: string
  readonly schema: QuerySchema | ProcedureSchema
  readonly auth: Auth<unknown>
  readonly limits: Limits
  readonly handle: (call: Call<unknown, unknown, unknown>) => unknown
}

/** A declared subscription, its types erased. */
export interface StreamMethod {
  readonly nsid: string
  readonly schema: SubscriptionSchema
  readonly auth: Auth<unknown>
  readonly handle: (call: Call<unknown, undefined, unknown>) => AsyncIterable<FrameBatch>
}

export type Method = CallMethod | StreamMethod

/** Declares a query (GET). Types of params, caller and output follow from the schema and `auth`. */
export function query<const S extends QuerySchema, C, O = OutputOf<S>>(
  schema: S,
  declaration: CallDeclaration<S, C, O>,
): Method {
  return callMethod(schema, declaration)
}

/** Declares a procedure (POST). `input` is the checked JSON, or a BinaryInput where bytes come in. */
export function procedure<const S extends ProcedureSchema, C, O = OutputOf<S>>(
  schema: S,
  declaration: CallDeclaration<S, C, O>,
): Method {
  return callMethod(schema, declaration)
}

function callMethod<S extends QuerySchema | ProcedureSchema, C, O>(
  schema: S,
  declaration: CallDeclaration<S, C, O>,
): CallMethod {
  return {
    nsid: schema.nsid,
    schema,
    auth: declaration.auth,
    limits: (declaration.limits ?? {}) as Limits,
    handle: (call: Call<unknown, unknown, unknown>) =>
      declaration.handle(call as Call<ParamsOf<S>, InputOf<S>, C>),
  }
}

/**
 * Declares a subscription (WebSocket). `handle` yields batches of ready frames; what it throws
 * becomes an error frame and the end of the stream.
 */
export function subscription<const S extends SubscriptionSchema, C>(
  schema: S,
  declaration: SubscriptionDeclaration<S, C>,
): Method {
  return {
    nsid: schema.nsid,
    schema,
    auth: declaration.auth,
    handle: (call: Call<unknown, undefined, unknown>) =>
      declaration.handle(call as Call<ParamsOf<S>, undefined, C>),
  }
}
