import type { BaseSchema } from '@atcute/lexicons/validations'
import { isNsid, isRecordKey, isTid, ProtocolError } from '#protocol/syntax'
import { type Check, Issue, MissingDefinition, Replaced } from './check.ts'
import { compileDefinition, compileField, compileObject, type Scope } from './compile.ts'
import {
  type BodyType,
  type FieldType,
  fullRef,
  type LexiconDocument,
  type ParamsType,
} from './document.ts'
import type {
  BodySchema,
  ProcedureSchema,
  QuerySchema,
  SubscriptionSchema,
} from './method-schema.ts'
import { parseLexicon } from './parse.ts'
import { invalid, type RecordChecks, type RecordVerdict, unknown, valid } from './record-verdict.ts'
import { paramsView, toSchema } from './schema.ts'

/** What is said of a value; `value` has the defaults of its lexicon put in. */
export type Verdict =
  | { status: 'valid'; value: unknown }
  | { status: 'unknown' }
  | { status: 'invalid'; message: string }

/** `'binary'` for bytes, `undefined` for no body, else the shape of the JSON. */
type TypedBody<T> = [T] extends ['binary']
  ? { readonly type: 'blob'; readonly encoding?: string[] }
  : [T] extends [undefined]
    ? null
    : { readonly type: 'lex'; readonly schema: BaseSchema<T> }

export interface TypedQuery<P, O> extends QuerySchema {
  readonly params: BaseSchema<P>
  readonly output: TypedBody<O>
}
export interface TypedProcedure<P, I, O> extends ProcedureSchema {
  readonly params: BaseSchema<P>
  readonly input: TypedBody<I>
  readonly output: TypedBody<O>
}
export interface TypedSubscription<P> extends SubscriptionSchema {
  readonly params: BaseSchema<P>
}

/**
 * Validators made from lexicon documents at run time. A document or definition that nobody has
 * gives the verdict `unknown`, never an error. Values may be nested as deep as the data room and
 * the JSON parser of xrpc let through.
 */
export interface Lexicons {
  /** Ids of all documents, sorted. */
  readonly ids: readonly string[]
  document(id: string): LexiconDocument | undefined
  validateRecord(collection: string, value: unknown, checks?: RecordChecks): RecordVerdict
  /** Any definition by its reference, `nsid` or `nsid#name`. */
  validate(ref: string, value: unknown, strict?: boolean): Verdict
  validateParams(nsid: string, params: unknown): Verdict
  validateInput(nsid: string, value: unknown): Verdict
  validateOutput(nsid: string, value: unknown): Verdict
  /** A message of a subscription, `$type` included. */
  validateMessage(nsid: string, value: unknown): Verdict
  /** The schema of a query, as `query` of xrpc and its client take it; types are the caller's word. */
  query<P = Record<string, unknown>, O = unknown>(nsid: string): TypedQuery<P, O>
  procedure<P = Record<string, unknown>, I = unknown, O = unknown>(
    nsid: string,
  ): TypedProcedure<P, I, O>
  subscription<P = Record<string, unknown>>(nsid: string): TypedSubscription<P>
}

/** Compiles lexicon documents. Throws ProtocolError 'InvalidLexicon' for one that is malformed. */
export function compileLexicons(documents: readonly unknown[]): Lexicons {
  return new CompiledLexicons(documents)
}

class CompiledLexicons implements Lexicons {
  readonly ids: readonly string[]
  readonly #documents = new Map<string, LexiconDocument>()
  readonly #definitions = new Map<string, Check>()
  readonly #parts = new Map<string, Check>()

  constructor(documents: readonly unknown[]) {
    for (const json of documents) {
      const document = parseLexicon(json)
      if (this.#documents.has(document.id)) {
        throw new ProtocolError('InvalidLexicon', `Invalid lexicon: ${document.id} comes twice`)
      }
      this.#documents.set(document.id, document)
      const scope = this.#scope(document.id)
      for (const [name, definition] of Object.entries(document.defs)) {
        const ref = fullRef(`#${name}`, document.id)
        this.#definitions.set(ref, compileDefinition(definition, ref, scope))
      }
      this.#compileMethod(document, scope)
    }
    this.ids = [...this.#documents.keys()].sort()
  }

  document(id: string): LexiconDocument | undefined {
    return this.#documents.get(id)
  }

  validateRecord(collection: string, value: unknown, checks: RecordChecks = {}): RecordVerdict {
    const main = this.#documents.get(collection)?.defs.main
    if (main?.type !== 'record') return unknown
    if (checks.rkey !== undefined && !isKeyOf(main.key, checks.rkey)) {
      return invalid(`the record key must be ${main.key}`)
    }
    const verdict = run(this.#definitions.get(collection), value, checks.strict ?? true)
    return verdict.status === 'valid' ? valid : verdict
  }

  validate(ref: string, value: unknown, strict = true): Verdict {
    return run(this.#definitions.get(fullRef(ref, '')), value, strict)
  }

  validateParams(nsid: string, params: unknown): Verdict {
    return run(this.#parts.get(`${nsid} params`), params, true)
  }

  validateInput(nsid: string, value: unknown): Verdict {
    return run(this.#parts.get(`${nsid} input`), value, true)
  }

  validateOutput(nsid: string, value: unknown): Verdict {
    return run(this.#parts.get(`${nsid} output`), value, false)
  }

  validateMessage(nsid: string, value: unknown): Verdict {
    return run(this.#parts.get(`${nsid} message`), value, false)
  }

  query<P, O>(nsid: string): TypedQuery<P, O> {
    const main = this.#main(nsid, 'query')
    return {
      type: 'xrpc_query',
      nsid,
      params: this.#params(nsid, main.parameters) as BaseSchema<P>,
      output: this.#body(nsid, 'output', main.output) as TypedBody<O>,
    }
  }

  procedure<P, I, O>(nsid: string): TypedProcedure<P, I, O> {
    const main = this.#main(nsid, 'procedure')
    return {
      type: 'xrpc_procedure',
      nsid,
      params: this.#params(nsid, main.parameters) as BaseSchema<P>,
      input: this.#body(nsid, 'input', main.input) as TypedBody<I>,
      output: this.#body(nsid, 'output', main.output) as TypedBody<O>,
    }
  }

  subscription<P>(nsid: string): TypedSubscription<P> {
    const main = this.#main(nsid, 'subscription')
    const message = this.#parts.get(`${nsid} message`)
    return {
      type: 'xrpc_subscription',
      nsid,
      params: this.#params(nsid, main.parameters) as BaseSchema<P>,
      message: message === undefined ? null : toSchema(message, {}),
    }
  }

  #main<T extends 'query' | 'procedure' | 'subscription'>(nsid: string, type: T) {
    const main = this.#documents.get(nsid)?.defs.main
    if (main?.type !== type) throw new TypeError(`no ${type} named ${nsid} was compiled`)
    return main as Extract<typeof main, { type: T }>
  }

  #params(nsid: string, params: ParamsType | undefined): BaseSchema {
    return toSchema(this.#parts.get(`${nsid} params`)!, paramsView(params))
  }

  #body(nsid: string, part: string, body: BodyType | undefined): BodySchema {
    if (body === undefined) return null
    if (!isJson(body.encoding)) return { type: 'blob', encoding: mediaTypes(body.encoding) }
    return { type: 'lex', schema: toSchema(this.#parts.get(`${nsid} ${part}`)!, {}) }
  }

  #scope(documentId: string): Scope {
    return { documentId, find: (ref) => this.#definitions.get(ref) }
  }

  #compileMethod(document: LexiconDocument, scope: Scope): void {
    const { main } = document.defs
    if (main === undefined) return
    const set = (part: string, check: Check) => this.#parts.set(`${document.id} ${part}`, check)
    const setBody = (part: string, body: BodyType | undefined) => {
      if (body !== undefined && isJson(body.encoding)) {
        set(part, compileField((body.schema ?? { type: 'unknown' }) as FieldType, scope))
      }
    }
    if (main.type === 'query' || main.type === 'procedure' || main.type === 'subscription') {
      set('params', compileObject(main.parameters ?? {}, scope))
    }
    if (main.type === 'query' || main.type === 'procedure') setBody('output', main.output)
    if (main.type === 'procedure') setBody('input', main.input)
    if (main.type === 'subscription' && main.message !== undefined) {
      set('message', compileField(main.message.schema, scope))
    }
  }
}

function run(check: Check | undefined, value: unknown, strict: boolean): Verdict {
  if (check === undefined) return { status: 'unknown' }
  try {
    const outcome = check(value, strict)
    if (outcome instanceof Issue) return { status: 'invalid', message: outcome.toString() }
    return { status: 'valid', value: outcome instanceof Replaced ? outcome.value : value }
  } catch (thrown) {
    if (thrown instanceof MissingDefinition) return { status: 'unknown' }
    throw thrown
  }
}

/** Whether a record key is of the type a lexicon demands: tid, nsid, any, `literal:self`. */
export function isKeyOf(keyType: string, rkey: string): boolean {
  if (keyType.startsWith('literal:')) return rkey === keyType.slice('literal:'.length)
  if (keyType === 'tid') return isTid(rkey)
  if (keyType === 'nsid') return isNsid(rkey)
  return isRecordKey(rkey)
}

function mediaTypes(encoding: string): string[] {
  return encoding.split(',').map((type) => type.trim().toLowerCase())
}

function isJson(encoding: string): boolean {
  return mediaTypes(encoding).includes('application/json')
}
