/** What letters say, in both languages. Plain text; `account` is put in by the renderer. */
import type { CodePurpose } from '../sign-in/index.ts'
import type { Language } from './languages.ts'

/** What happened to an account that its owner should know of. */
export type NoticePurpose =
  | 'notice-new-device'
  | 'notice-wrong-codes'
  | 'notice-password'
  | 'notice-email'
  | 'notice-factor-added'
  | 'notice-factor-removed'
  | 'notice-recovery-code'
  | 'notice-app-password'
  | 'notice-recovery-key-added'
  | 'notice-recovery-key-removed'
  | 'notice-identity'
  | 'notice-operator-password'
  | 'notice-operator-email'
  | 'notice-operator-shut'
  | 'notice-operator-key'
  | 'notice-operator-move'

/** What a code in it allows, or what happened; a message is the operator's. */
export type LetterPurpose = CodePurpose | NoticePurpose | 'message'

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
  'sign-in': {
    ar: {
      subject: 'رمز الدخول',
      heading: 'الدخول إلى حسابك',
      about: 'يكمل هذا الرمز، بعد كلمة المرور، الدخول إلى حسابك:',
      otherwise: 'إن لم تكن أنت فأحدهم يعرف كلمة مرورك: غيّرها، ولا تعط الرمز أحدًا.',
    },
    en: {
      subject: 'Your sign-in code',
      heading: 'Sign in to your account',
      about: 'After the password, this code signs you in to your account:',
      otherwise:
        'If this was not you, somebody knows your password: change it, and give the code to nobody.',
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

/** The same for what happened: nothing is asked for, and no link is in it. */
export const notices: Readonly<Record<NoticePurpose, Readonly<Record<Language, Words>>>> = {
  'notice-new-device': {
    ar: {
      subject: 'دخول جديد إلى حسابك',
      heading: 'دخول من جهاز جديد',
      about: 'دخل أحدهم إلى حسابك من جهاز لم نعرفه من قبل:',
      otherwise:
        'إن كنت أنت فلا عليك. وإن لم تكن، فغيّر كلمة المرور الآن، وأخرج الأجهزة الأخرى من صفحات حسابك.',
    },
    en: {
      subject: 'A new sign-in to your account',
      heading: 'A sign-in from a new device',
      about: 'Somebody signed in to your account from a device we had not seen before:',
      otherwise:
        'If it was you, all is well. If not, change your password now, and sign the other devices out at your account’s pages.',
    },
  },
  'notice-wrong-codes': {
    ar: {
      subject: 'أحدهم يعرف كلمة مرورك',
      heading: 'كلمة مرور صحيحة ورموز خاطئة',
      about: 'أُدخلت كلمة مرورك الصحيحة، ثم رموز خاطئة عدة مرات، فلم يُسمح بالدخول:',
      otherwise: 'إن لم تكن أنت فغيّر كلمة المرور: لم يحمِ حسابك إلا رمزك الثاني.',
    },
    en: {
      subject: 'Somebody knows your password',
      heading: 'The right password, and wrong codes',
      about: 'Your password was entered, then several wrong codes. Nobody was let in:',
      otherwise:
        'If this was not you, change your password: only your second factor kept them out.',
    },
  },
  'notice-password': {
    ar: {
      subject: 'تغيرت كلمة مرورك',
      heading: 'كلمة مرور جديدة',
      about: 'تغيرت كلمة مرور حسابك، وخرجت منه الأجهزة الأخرى:',
      otherwise: 'إن لم تكن أنت فاطلب كلمة مرور جديدة من صفحة الدخول الآن.',
    },
    en: {
      subject: 'Your password was changed',
      heading: 'A new password',
      about: 'The password of your account was changed, and its other devices were signed out:',
      otherwise: 'If this was not you, ask for a new password at the sign-in page now.',
    },
  },
  'notice-email': {
    ar: {
      subject: 'تغير بريد حسابك',
      heading: 'بريد آخر لحسابك',
      about: 'لن تصل رسائل حسابك إلى هذا العنوان بعد اليوم:',
      otherwise: 'إن لم تكن أنت فادخل إلى حسابك وغيّر كلمة المرور والبريد، أو راسل إدارة المضيف.',
    },
    en: {
      subject: 'Your account has another email',
      heading: 'Another email for your account',
      about: 'Letters of your account will not come to this address any more:',
      otherwise:
        'If this was not you, sign in and change the password and the email, or write to the operators of the host.',
    },
  },
  'notice-operator-password': {
    ar: {
      subject: 'غيّرت إدارة المضيف كلمة مرورك',
      heading: 'كلمة مرور من إدارة المضيف',
      about: 'وضعت إدارة مضيفك كلمة مرور جديدة لحسابك، وخرجت منه أجهزتك وتطبيقاتك كلها.',
      otherwise:
        'إن طلبت ذلك فادخل بها ثم اختر غيرها لا يعرفها سواك. وإن لم تطلبه فراسل إدارة المضيف، واطلب كلمة مرور جديدة من صفحة الدخول.',
    },
    en: {
      subject: 'The operators set your password',
      heading: 'A password from the operators',
      about:
        'The operators of your host set another password for your account; all its devices and apps were signed out.',
      otherwise:
        'If you asked for this, sign in with it and then choose one that only you know. If you did not, write to the operators, and ask for a new password at the sign-in page.',
    },
  },
  'notice-operator-email': {
    ar: {
      subject: 'غيّرت إدارة المضيف بريد حسابك',
      heading: 'بريد آخر من إدارة المضيف',
      about: 'وضعت إدارة مضيفك عنوانًا آخر لحسابك، ولن تصل رسائله إلى هذا العنوان بعد اليوم.',
      otherwise: 'إن لم تطلب ذلك فراسل إدارة المضيف، وادخل إلى حسابك وغيّر البريد من صفحاته.',
    },
    en: {
      subject: 'The operators changed the email of your account',
      heading: 'Another email from the operators',
      about:
        'The operators of your host gave your account another address; its letters will not come to this one any more.',
      otherwise:
        'If you did not ask for this, write to the operators, and sign in and change the email at your account’s pages.',
    },
  },
  'notice-operator-key': {
    ar: {
      subject: 'مفتاح مؤسستك على هويتك',
      heading: 'أضافت إدارة المضيف مفتاح المؤسسة',
      about:
        'صار لمؤسستك مفتاح على هوية حسابك، فوق مفتاح المضيف وتحت مفاتيحك أنت، تعيد به حسابك إن ذهب المضيف.',
      otherwise: 'إن لم ترده فأزله من صفحات حسابك، تحت «مفتاح اسمك».',
    },
    en: {
      subject: 'Your organisation’s key to your identity',
      heading: 'The operators added the key of the organisation',
      about:
        'Your organisation now holds a key to your identity, above the key of the host and below your own: with it your account can be brought back if the host is gone.',
      otherwise:
        'If you do not want it, remove it at your account’s pages, under “The key to your name”.',
    },
  },
  'notice-operator-move': {
    ar: {
      subject: 'تنقل إدارة مضيفك حسابك',
      heading: 'حسابك في طريقه إلى مضيف آخر',
      about:
        'تنقل إدارة مضيفك حسابك إلى مضيف آخر لها، باسمك ومنشوراتك ومتابعيك، وتدخل هناك بكلمة مرورك هذه نفسها:',
      otherwise:
        'تطبيقاتك وخطوتك الثانية تضبطها هناك من جديد. وإن لم تكن تنتظر هذا النقل فراسل إدارة المضيف.',
    },
    en: {
      subject: 'The operators move your account',
      heading: 'Your account is on its way to another host',
      about:
        'The operators of your host move your account to another host, with its name, its posts and its followers. You sign in there with the password you have now:',
      otherwise:
        'Apps and your second factor are set up anew there. If you did not expect this, write to the operators of the host.',
    },
  },
  'notice-operator-shut': {
    ar: {
      subject: 'أغلقت إدارة المضيف كل مداخل حسابك',
      heading: 'حسابك مغلق حتى تفتحه أنت',
      about:
        'ألغت إدارة مضيفك كلمة مرور حسابك وكلمات مرور تطبيقاته وخطوته الثانية، وأخرجت منه كل أحد.',
      otherwise:
        'لا تضيع منشوراتك. اطلب كلمة مرور جديدة من صفحة الدخول، ثم أعد إعداد الخطوة الثانية.',
    },
    en: {
      subject: 'The operators shut every way into your account',
      heading: 'Your account is shut until you open it',
      about:
        'The operators of your host took away your account’s password, app passwords and second factors, and signed everybody out.',
      otherwise:
        'Nothing you posted is lost. Ask for a new password at the sign-in page, then set your second factor up again.',
    },
  },
  'notice-factor-added': {
    ar: {
      subject: 'خطوة ثانية جديدة لحسابك',
      heading: 'أضيفت خطوة ثانية للدخول',
      about: 'يُطلب الآن عند الدخول ما هو أكثر من كلمة المرور:',
      otherwise: 'إن لم تكن أنت فادخل إلى حسابك وأزلها، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'A new second factor of your account',
      heading: 'A second factor was added',
      about: 'Signing in now takes more than the password:',
      otherwise: 'If this was not you, sign in, remove it, and change your password.',
    },
  },
  'notice-factor-removed': {
    ar: {
      subject: 'أزيلت خطوة ثانية من حسابك',
      heading: 'أزيلت خطوة من خطوات الدخول',
      about: 'لم تعد هذه الخطوة تُطلب عند الدخول:',
      otherwise: 'إن لم تكن أنت فادخل إلى حسابك وأعدها، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'A second factor was removed',
      heading: 'A second factor was removed',
      about: 'It is not asked for any more when somebody signs in:',
      otherwise: 'If this was not you, sign in, set it up again, and change your password.',
    },
  },
  'notice-recovery-code': {
    ar: {
      subject: 'استُعمل رمز احتياطي',
      heading: 'دخول برمز احتياطي',
      about: 'دخل أحدهم إلى حسابك بواحد من رموزك الاحتياطية، ولا يصلح هذا الرمز بعد الآن:',
      otherwise: 'إن لم تكن أنت فغيّر كلمة المرور، واصنع رموزًا جديدة.',
    },
    en: {
      subject: 'A recovery code was used',
      heading: 'A sign-in with a recovery code',
      about: 'Somebody signed in with one of your recovery codes, which is good no more:',
      otherwise: 'If this was not you, change your password and make new codes.',
    },
  },
  'notice-app-password': {
    ar: {
      subject: 'كلمة مرور تطبيق جديدة لحسابك',
      heading: 'صُنعت كلمة مرور لتطبيق',
      about: 'يدخل بها التطبيق إلى حسابك ولا تُطلب منه خطوة ثانية:',
      otherwise: 'إن لم تكن أنت فاسحبها من صفحات حسابك، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'A new app password of your account',
      heading: 'A password was made for an app',
      about: 'The app signs in to your account with it, and no second factor is asked for:',
      otherwise:
        'If this was not you, take it back at your account’s pages, and change your password.',
    },
  },
  'notice-recovery-key-added': {
    ar: {
      subject: 'مفتاح جديد لاسمك',
      heading: 'أضيف مفتاح إلى هوية حسابك',
      about: 'من يملك هذا المفتاح يستطيع أن ينقل حسابك، ولو ذهب المضيف:',
      otherwise: 'إن لم تكن أنت فأزله حالًا من صفحات حسابك، تحت «مفتاح اسمك»، وغيّر كلمة المرور.',
    },
    en: {
      subject: 'A new key to your name',
      heading: 'A recovery key was added to your identity',
      about: 'Whoever holds this key can move your account, even with its host gone:',
      otherwise:
        'If this was not you, remove it at once at your account’s pages, under “The key to your name”, and change your password.',
    },
  },
  'notice-recovery-key-removed': {
    ar: {
      subject: 'أزيل مفتاح من هوية حسابك',
      heading: 'أزيل مفتاح اسمك',
      about: 'لم يعد هذا المفتاح ينفع في استرداد حسابك:',
      otherwise: 'إن لم تكن أنت فغيّر كلمة المرور، وأضف مفتاحًا جديدًا من صفحات حسابك.',
    },
    en: {
      subject: 'A key to your name was removed',
      heading: 'A recovery key was removed from your identity',
      about: 'This key recovers your account no more:',
      otherwise:
        'If this was not you, change your password, and add a new key at your account’s pages.',
    },
  },
  'notice-identity': {
    ar: {
      subject: 'تغيّرت هوية حسابك',
      heading: 'غيّر أحدهم هوية حسابك',
      about:
        'تغيّرت هوية حسابك في سجل الهويات، ولم يمرّ التغيير بمضيفك. تجد تحته متى حدث، وإلى متى يمكن التراجع عنه:',
      otherwise:
        'إن كنت أنت فأكّد ذلك في صفحات حسابك، تحت «إنذارات الهوية». وإن لم تكن فتراجع عنه من الصفحة نفسها قبل أن ينقضي الوقت.',
    },
    en: {
      subject: 'Your account’s identity was changed',
      heading: 'Somebody changed your account’s identity',
      about:
        'The identity of your account was changed in its directory, and not through your host. Below: when that was, and until when it can be undone:',
      otherwise:
        'If it was you, say so at your account’s pages, under “Identity alarms”. If not, undo it there before the time is over.',
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
