/** What letters say, in both languages. Plain text; `account` is put in by the renderer. */
import type { CodePurpose } from '../sign-in/index.ts'
import type { Language } from './languages.ts'

/** What a code in it allows; a message is the operator's. */
export type LetterPurpose = CodePurpose | 'message'

export interface Words {
  subject: string
  heading: string
  /** Before the account's name. */
  about: string
  /** When it was somebody else. */
  otherwise: string
}

export const words: Readonly<Record<CodePurpose, Readonly<Record<Language, Words>>>> = {
  'plc-operation': {
    ar: {
      subject: 'رمز نقل حسابك',
      heading: 'نقل حسابك أو تغيير هويته',
      about: 'يسمح هذا الرمز بتغيير واحد في هوية حسابك، كنقله إلى مضيف آخر:',
      otherwise: 'إن لم تطلبه فلا تعطه أحدًا، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'Your account move code',
      heading: 'Move your account, or change its identity',
      about:
        'This code allows one change of your account’s identity, such as a move to another host:',
      otherwise: 'If this was not you, give it to nobody and change your password.',
    },
  },
  'delete-account': {
    ar: {
      subject: 'رمز حذف حسابك',
      heading: 'حذف حسابك',
      about: 'يسمح هذا الرمز، مع كلمة مرورك، بحذف حسابك وكل ما فيه حذفًا لا رجعة فيه:',
      otherwise: 'إن لم تطلبه فلا تعطه أحدًا، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'Your account deletion code',
      heading: 'Delete your account',
      about:
        'Together with your password, this code deletes your account and everything in it. It cannot be undone:',
      otherwise: 'If this was not you, give it to nobody and change your password.',
    },
  },
  'confirm-email': {
    ar: {
      subject: 'رمز تأكيد بريدك',
      heading: 'تأكيد بريدك',
      about: 'يؤكد هذا الرمز أن هذا العنوان لك:',
      otherwise: 'إن لم تطلبه فتجاهل الرسالة، ولن يتغير شيء.',
    },
    en: {
      subject: 'Your email confirmation code',
      heading: 'Confirm your email',
      about: 'This code confirms that this address is yours:',
      otherwise: 'If this was not you, ignore this letter: nothing changes.',
    },
  },
  'update-email': {
    ar: {
      subject: 'رمز تغيير بريدك',
      heading: 'تغيير بريدك',
      about: 'يسمح هذا الرمز بتغيير بريد حسابك إلى عنوان آخر:',
      otherwise: 'إن لم تطلبه فلا تعطه أحدًا، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'Your email change code',
      heading: 'Change your email',
      about: 'This code allows your account’s email to be changed to another address:',
      otherwise: 'If this was not you, give it to nobody and change your password.',
    },
  },
  'reset-password': {
    ar: {
      subject: 'رمز كلمة مرور جديدة',
      heading: 'كلمة مرور جديدة',
      about: 'يسمح هذا الرمز باختيار كلمة مرور جديدة لحسابك:',
      otherwise: 'إن لم تطلبه فتجاهل الرسالة: كلمة مرورك كما هي.',
    },
    en: {
      subject: 'Your password reset code',
      heading: 'A new password',
      about: 'This code lets you choose a new password for your account:',
      otherwise: 'If this was not you, ignore this letter: your password stays as it is.',
    },
  },
}

/** What every letter says. */
export const common: Readonly<
  Record<Language, { lifetime: string; from: string; message: string; unknown: string }>
> = {
  ar: {
    lifetime: 'يصلح مرة واحدة، خلال ربع ساعة.',
    from: 'أُرسلت هذه الرسالة من مضيف حسابك:',
    message: 'رسالة من إدارة مضيف حسابك',
    unknown: 'حسابك',
  },
  en: {
    lifetime: 'It works once, for a quarter of an hour.',
    from: 'This letter was sent by the host of your account:',
    message: 'A message from the operators of your account’s host',
    unknown: 'your account',
  },
}
