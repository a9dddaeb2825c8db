import type { Ceremony } from '../../factors/index.ts'
import { type Html, html, type Visit } from '../index.ts'

/** The script that such a form needs. */
export const PASSKEY_SCRIPT = 'passkeys.js'

const words = {
  ar: { failed: 'لم يكتمل الأمر مع مفتاح المرور. حاول ثانية، أو اختر طريقًا آخر.' },
  en: { failed: 'The passkey was not used. Try again, or go another way.' },
}

/** A form that asks the browser for a passkey. Hidden where that is impossible. */
export function passkeyForm(
  visit: Visit,
  ceremony: Ceremony,
  form: {
    kind: 'create' | 'use'
    action: string
    fields?: Html
    button: string
    isQuiet?: boolean
  },
): Html {
  return html`<form method="post" class="form" action="${form.action}" data-passkey="${form.kind}" data-options="${JSON.stringify(ceremony.options)}" hidden>${visit.token}
<input type="hidden" name="kept" value="${ceremony.kept}"><input type="hidden" name="answer" value="">
${form.fields}
<button class="button wide-button${form.isQuiet && ' quiet'}">${form.button}</button>
<p class="notice" data-tone="bad" data-failed role="alert" hidden>${visit.words(words).failed}</p>
</form>`
}
