/** The form in which somebody takes a change of their identity back by a key of their own. */
import type { WrappedRecoveryKey } from '#protocol/identity'
import { type Html, html, latin, type Visit } from '../index.ts'
import { words as keyWords } from './recovery-key-words.ts'

export const OWN_UNDO_SCRIPT = 'identity-alarms.js'

const words = {
  ar: {
    sheet: 'كلمات ورقتك الست عشرة أو أرقامها',
    sheetHint: 'افصل بينها بمسافات. ضع علامة استفهام مكان كلمة لا تُقرأ.',
    sign: 'وقّع وتراجع',
    byPasskey: 'افتح النسخة المقفلة بمفتاح المرور، ثم تراجع',
    notKey: 'الورقة سليمة، ولكن مفتاحها ليس أعلى من الذي وقّع هذا التغيير.',
    details: 'ما سيُوقَّع، لمن يوقّعه بأداة أخرى',
    detailsKeys: 'يوقّعه واحد من هذه المفاتيح، ويُسلَّم لسجل الهويات:',
    noScript: 'التوقيع يتم في متصفحك كيلا يرى المضيف مفتاحك، وهذا يحتاج إلى جافاسكربت.',
    paste: 'التوقيع، أو التغيير موقّعًا',
    hand: 'سلّمه',
  },
  en: {
    sheet: 'The sixteen words of your sheet, or their numbers',
    sheetHint: 'With spaces between. A question mark stands for a word that cannot be read.',
    sign: 'Sign and undo',
    byPasskey: 'Open the locked copy with the passkey, and undo',
    notKey: 'The sheet is right, but its key does not rank above the one that signed this change.',
    details: 'What is signed, for those who sign it with another tool',
    detailsKeys: 'One of these keys signs it, and it is handed to the directory:',
    noScript:
      'It is signed in your browser, so that the host never sees your key. That needs JavaScript.',
    paste: 'The signature, or the signed change',
    hand: 'Hand it in',
  },
}

interface OwnUndo {
  /** Where the signature goes. */
  path: string
  did: string
  /** The operation that is taken back. */
  cid: string
  /** did:keys of which one has to sign. */
  keys: readonly string[]
  operation: object | undefined
  /** Keys of these, locked with passkeys. */
  copies?: readonly { wrapped?: WrappedRecoveryKey | undefined }[]
  hidden?: Html
}

/**
 * The script reads the sheet and signs; the field of the words has no name, so that no form can send them,
 * and the form takes the signature alone. Who signs elsewhere hands the signature in below.
 */
export function ownUndoForm(visit: Visit, undo: OwnUndo): Html {
  const w = visit.words(words)
  const { path, did, cid, keys, operation, copies = [], hidden } = undo
  const fields = html`${visit.token}${hidden}<input type="hidden" name="undo" value="${cid}">`
  return html`<noscript><div class="notice" data-tone="warm">${w.noScript}</div></noscript>
<form id="own-undo" method="post" action="${path}" class="form" hidden data-did="${did}" data-keys="${keys.join(' ')}" data-operation="${JSON.stringify(operation)}" data-words="${JSON.stringify(forScript(visit))}">${fields}<input type="hidden" name="sig">
<div class="field"><label for="sheet">${w.sheet}</label>
<textarea class="input" id="sheet" rows="4" dir="ltr" autocomplete="off" autocapitalize="none" spellcheck="false" translate="no" maxlength="2000"></textarea>
<p class="hint">${w.sheetHint}</p></div>
<div class="notice" data-tone="warm" role="alert" data-report hidden></div>
<div class="buttons"><button class="button">${w.sign}</button>
${copies.map(({ wrapped }) => wrapped && html`<button type="button" class="button quiet" data-open="${JSON.stringify(wrapped)}" hidden>${w.byPasskey}</button>`)}</div></form>
<details class="more" id="elsewhere"><summary>${w.details}</summary><p class="hint">${w.detailsKeys}</p>
<ul>${keys.map((key) => html`<li>${latin(key)}</li>`)}</ul>
<textarea class="input" dir="ltr" readonly rows="14" aria-label="${w.details}">${JSON.stringify(operation, undefined, 2)}</textarea>
<form method="post" action="${path}" class="form">${fields}
<div class="field"><label for="signed">${w.paste}</label>
<textarea class="input" id="signed" name="sig" rows="3" dir="ltr" spellcheck="false" maxlength="10000" required></textarea></div>
<div class="buttons"><button class="button quiet">${w.hand}</button></div></form></details>`
}

/** The words that the script puts in: those of reading a sheet are the other page's. */
function forScript(visit: Visit) {
  const { notKey } = visit.words(words)
  const { countWrong, mended, unclear, unknown, perhaps, foreign, passkeyWrong } =
    visit.words(keyWords)
  return { notKey, countWrong, mended, unclear, unknown, perhaps, foreign, passkeyWrong }
}

/** The signature out of what was handed in: itself, or the operation that holds it. */
export function signatureIn(text: string): string {
  const plain = text.trim()
  if (!plain.startsWith('{')) return plain
  try {
    const { sig } = JSON.parse(plain) as { sig?: unknown }
    return typeof sig === 'string' ? sig : ''
  } catch {
    return ''
  }
}
