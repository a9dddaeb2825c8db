/** What went wrong, for people: by the name of the error, in both languages. */
import { XrpcError } from '#protocol/xrpc'
import type { Language, Words } from './words.ts'

interface Problem {
  title: string
  text: string
}

const GENERAL: Words<Problem> = {
  ar: {
    title: 'لم يتم الأمر',
    text: 'حدث خطأ عندنا ولم يتغير شيء في حسابك. حاول بعد قليل.',
  },
  en: {
    title: 'That did not work',
    text: 'Something failed on our side, and nothing of your account has changed. Try again in a while.',
  },
}

const BAD_REQUEST: Words<Problem> = {
  ar: { title: 'لم نفهم الطلب', text: 'في ما أُرسل خلل، ولم يتغير شيء. ارجع وحاول من جديد.' },
  en: {
    title: 'We did not understand',
    text: 'What was sent is not in order, and nothing has changed. Go back and try again.',
  },
}

const BY_NAME: Readonly<Record<string, Words<Problem>>> = {
  NotFound: {
    ar: { title: 'لا شيء هنا', text: 'لا توجد صفحة بهذا العنوان.' },
    en: { title: 'Nothing here', text: 'There is no page at this address.' },
  },
  MethodNotAllowed: {
    ar: { title: 'لا شيء هنا', text: 'لا توجد صفحة بهذا العنوان.' },
    en: { title: 'Nothing here', text: 'There is no page at this address.' },
  },
  RateLimitExceeded: {
    ar: { title: 'مهلًا قليلًا', text: 'كثرت المحاولات. انتظر بضع دقائق ثم حاول ثانية.' },
    en: {
      title: 'One moment',
      text: 'There were too many tries. Wait a few minutes, then try again.',
    },
  },
  StalePage: {
    ar: {
      title: 'هذه الصفحة قديمة',
      text: 'فُتحت قبل دخول أو خروج، أو لم تصلنا ملفات الارتباط. لم يتغير شيء: افتحها من جديد وحاول.',
    },
    en: {
      title: 'This page is out of date',
      text: 'It was opened before somebody signed in or out, or your browser keeps no cookies. Nothing has changed: open it again and try once more.',
    },
  },
  ForeignPage: {
    ar: {
      title: 'طلب من موقع آخر',
      text: 'أراد موقع آخر أن يفعل هذا باسمك، فمنعناه. لم يتغير شيء.',
    },
    en: {
      title: 'Asked by another site',
      text: 'Another site wanted to do this in your name, and was stopped. Nothing has changed.',
    },
  },
  PayloadTooLarge: {
    ar: { title: 'هذا كثير', text: 'ما أُرسل أكبر مما نقبل.' },
    en: { title: 'Too much', text: 'What was sent is larger than we take.' },
  },
  AccountTakedown: {
    ar: { title: 'أوقف المضيف هذا الحساب', text: 'تواصل مع إدارة المضيف لتعرف السبب.' },
    en: {
      title: 'The host has taken this account down',
      text: 'Ask the operators of the host for the reason.',
    },
  },
}

/** The words for an error, in one language; of ours nothing is told but that it was ours. */
export function problemWords(error: XrpcError, language: Language): Problem {
  const known = BY_NAME[error.error]
  if (known) return known[language]
  return (error.status < 500 ? BAD_REQUEST : GENERAL)[language]
}

/** A page that is not there. */
export const notFound = () => new XrpcError(404, 'NotFound', 'No such page')
