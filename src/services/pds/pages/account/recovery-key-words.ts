/** What the page of the recovery key says. Arabic was written for it, not translated. */
import type { KeyHealth, RotationKeyView } from '#protocol/account'
import type { Words } from '../index.ts'

export interface RecoveryKeyWords {
  title: string
  lead: string
  states: Record<KeyHealth['state'], { mark: string; text: string }>
  holders: Record<RotationKeyView['holder'], string>
  keys: string
  keysText: string
  lost: string
  made: string
  checked: string
  neverChecked: string
  locked: string
  openLocked: string
  forgetLocked: string
  noScript: string
  make: string
  makeText: string
  makeSteps: readonly string[]
  start: string
  another: string
  sheet: string
  sheetFor: string
  sheetKey: string
  sheetHost: string
  sheetDate: string
  sheetText: readonly string[]
  print: string
  written: string
  ask: string
  askText: string
  askWord: string
  askWrong: string
  goOn: string
  back: string
  keep: string
  keepText: string
  label: string
  labelHint: string
  passkey: string
  passkeyHint: string
  passkeyNot: string
  passkeyWrong: string
  password: string
  code: string
  codeHint: string
  sendCode: string
  codeSent: string
  put: string
  check: string
  checkText: string
  words: string
  wordsHint: string
  checkGo: string
  countWrong: string
  mended: string
  unclear: string
  unknown: string
  perhaps: string
  foreign: string
  notYours: string
  organisation: string
  organisationText: string
  organisationPut: string
  remove: string
  removeText: string
  removeGo: string
  said: Record<string, string>
  problems: Record<string, string>
}

export const words: Words<RecoveryKeyWords> = {
  ar: {
    title: 'مفتاح اسمك',
    lead: 'اسمك لك، لا للمضيف. بمفتاح تحفظه على ورقة تنقل حسابك ومتابعيك إلى مضيف آخر، ولو اختفى هذا المضيف أو منعك.',
    states: {
      none: {
        mark: 'لا مفتاح لك',
        text: 'المضيف وحده يملك تغيير هويتك اليوم. اصنع مفتاحًا واحفظه، في بضع دقائق.',
      },
      good: {
        mark: 'كل شيء على ما يرام',
        text: 'مفتاحك فوق مفتاح المضيف، وقد أثبتّ أن ورقتك تُقرأ.',
      },
      unchecked: {
        mark: 'لم تُجرَّب الورقة',
        text: 'مفتاحك فوق مفتاح المضيف، ولم تجرّب ورقته بعد. جرّبها مرة لتطمئن.',
      },
      outranked: {
        mark: 'فوقه مفتاح آخر',
        text: 'في هويتك مفتاح ليس مسجلًا لك وهو أعلى من مفتاحك. إن لم تضعه أنت فاسأل المضيف فورًا.',
      },
      lost: {
        mark: 'أُزيل مفتاحك',
        text: 'أخرج أحدٌ مفتاحك من هويتك. إن لم تكن أنت فلديك 72 ساعة من لحظة إزالته لتعيده بكلمات ورقتك.',
      },
      unsupported: {
        mark: 'هوية نطاق',
        text: 'هويتك معلّقة بنطاقك على الشبكة: من يملك النطاق يملكها، ولا مفاتيح لها هنا.',
      },
    },
    holders: {
      owner: 'مفتاحك',
      host: 'مفتاح المضيف',
      organisation: 'مفتاح المؤسسة',
      unknown: 'مفتاح لا نعرفه',
    },
    keys: 'من يملك تغيير هويتك',
    keysText: 'الأعلى أولًا: ما يفعله مفتاح يستطيع الأعلى منه أن ينقضه خلال 72 ساعة.',
    lost: 'لم يعد في هويتك',
    made: 'صُنع',
    checked: 'جُرّبت ورقته',
    neverChecked: 'لم تُجرَّب ورقته',
    locked: 'نسخة منه مقفلة بمفتاح مرور محفوظة هنا.',
    openLocked: 'افتحها واعرض الكلمات',
    forgetLocked: 'احذف النسخة',
    noScript:
      'يُصنع المفتاح في متصفحك كيلا يراه المضيف، وهذا يحتاج إلى جافاسكربت. فعّلها ثم افتح الصفحة من جديد.',
    make: 'مفتاح جديد',
    makeText: 'يُصنع المفتاح في متصفحك ولا يغادره: لا يصل إلى المضيف إلا نصفه المعلن.',
    makeSteps: [
      'نعرض عليك ست عشرة كلمة. اكتبها على ورقة أو اطبعها.',
      'نسألك عن ثلاث منها لنتأكد أنها عندك.',
      'يضع المضيف مفتاحك فوق مفتاحه في هويتك، ولا يتغير شيء آخر.',
    ],
    start: 'اصنع المفتاح',
    another: 'اصنع مفتاحًا آخر',
    sheet: 'ورقة المفتاح',
    sheetFor: 'الاسم',
    sheetKey: 'النصف المعلن',
    sheetHost: 'المضيف',
    sheetDate: 'التاريخ',
    sheetText: [
      'من يملك هذه الكلمات يملك الاسم. احفظ الورقة حيث تحفظ عقودك، ولا تصورها ولا ترسلها.',
      'الكلمات لاتينية، وبجانب كل كلمة رقم من أربع خانات يغني عنها: أدخل الكلمة أو رقمها، بأي أرقام شئت.',
      'لا بأس إن محيت كلمات منها حتى أربع: تُعرف من الباقي.',
      'يوم يختفي المضيف: falaj identity recover، من مشروع فلج.',
    ],
    print: 'اطبعها',
    written: 'كتبتها',
    ask: 'للتأكد',
    askText: 'انظر في ورقتك وأدخل هذه الكلمات أو أرقامها.',
    askWord: 'الكلمة {place}',
    askWrong: 'الكلمة {place} ليست هذه. انظر في ورقتك ثانية.',
    goOn: 'متابعة',
    back: 'أرني الكلمات ثانية',
    keep: 'ضع المفتاح في هويتك',
    keepText: 'هذا تغيير في هويتك، فنتأكد أنك أنت.',
    label: 'اسم للورقة',
    labelHint: 'لتعرف أي ورقة هي، مثل: ورقة البيت.',
    passkey: 'اقفل نسخة بمفتاح مرور أيضًا',
    passkeyHint: 'للراحة ما دام هذا المضيف قائمًا. إن اختفى فالورقة وحدها تنفع.',
    passkeyNot:
      'لا يستطيع مفتاح المرور هذا أن يقفل نسخة، أو لم يتم الأمر. ورقتك تكفي: أكمل من دونه.',
    passkeyWrong: 'لم يفتحها مفتاح المرور هذا.',
    password: 'كلمة مرور الحساب',
    code: 'الرمز الذي في بريدك',
    codeHint: 'نرسل رمزًا إلى بريدك، يصلح ربع ساعة.',
    sendCode: 'أرسل الرمز',
    codeSent: 'أُرسل. انظر في بريدك.',
    put: 'ضعه',
    check: 'جرّب ورقة',
    checkText: 'أدخل كلمات ورقتك لنعرف أنها تُقرأ. تُفحص في متصفحك ولا تُرسل.',
    words: 'الكلمات أو أرقامها',
    wordsHint: 'افصل بينها بمسافات. ضع علامة استفهام مكان كلمة لا تُقرأ.',
    checkGo: 'افحصها',
    countWrong: 'في الورقة 16 كلمة، وهنا {count}.',
    mended:
      'الكلمة {place} أُدخلت «{read}» وهي «{word}» ({code}). صحّحها في ورقتك إن كانت مكتوبة خطأ.',
    unclear: 'فيها من الخطأ ما لا نعرف معه المقصود. راجعها كلمة كلمة.',
    unknown: 'الكلمة {place}، «{read}»، ليست من القائمة.',
    perhaps: 'لعلها: {like}.',
    foreign: 'الكلمات صحيحة، ولكن كتبها برنامج من نوع آخر.',
    notYours:
      'الورقة سليمة، ولكن مفتاحها ليس مسجلًا لهذا الحساب. إن كانت ورقة صنعتها ولم يكتمل أمرها فأكمل الآن.',
    organisation: 'مفتاح المؤسسة',
    organisationText:
      'لمن يدير هذا المضيف مفتاح محفوظ بعيدًا عنه، يعيد الحسابات إن فُقد المضيف. يوضع تحت مفتاحك وفوق مفتاح المضيف.',
    organisationPut: 'ضعه في هويتي',
    remove: 'أزله من هويتك',
    removeText: 'بعد الإزالة لا تنفع ورقته.',
    removeGo: 'أزله',
    said: {
      added: 'وُضع المفتاح في هويتك. احفظ الورقة.',
      checked: 'الورقة سليمة ومفتاحها في مكانه.',
      removed: 'أُزيل المفتاح من هويتك.',
      forgotten: 'حُذفت النسخة المقفلة.',
    },
    problems: {
      password: 'كلمة المرور غير صحيحة. لم يتغير شيء.',
      code: 'الرمز غير صحيح أو انتهى وقته. لم يتغير شيء.',
      email: 'لا بريد لحسابك، والمضيف يرسل رمزًا إليه. أضف بريدًا أولًا.',
      many: 'في هويتك خمسة مفاتيح، ولا مكان لغيرها. أزل واحدًا أولًا.',
      signature: 'لم يقبل المضيف الإثبات. هل ساعة جهازك مضبوطة؟',
      directory: 'لم يجب دليل الهويات. ربما تم الأمر: انظر هنا بعد قليل قبل أن تعيده.',
      away: 'لا يجيب دليل الهويات الآن. ما لك محفوظ كما هو: انظر هنا بعد قليل.',
      refused: 'رفض دليل الهويات التغيير. لم يتغير شيء.',
    },
  },
  en: {
    title: 'The key to your name',
    lead: 'Your name is yours, not the host’s. With a key that you keep on paper you take your account and followers to another host, even if this one is gone or will not let you go.',
    states: {
      none: {
        mark: 'No key of yours',
        text: 'Today the host alone can change your identity. Make a key and keep it: it takes a few minutes.',
      },
      good: {
        mark: 'All is well',
        text: 'Your key stands above the host’s, and you have shown that your sheet can be read.',
      },
      unchecked: {
        mark: 'Sheet not tried',
        text: 'Your key stands above the host’s, and its sheet has not been tried. Try it once, to be sure.',
      },
      outranked: {
        mark: 'Another key is above',
        text: 'Your identity has a key that is not registered as yours, above your own. If you did not put it there, ask the host at once.',
      },
      lost: {
        mark: 'Your key was taken out',
        text: 'Somebody took your key out of your identity. If it was not you, you have 72 hours from that moment to undo it with the words of your sheet.',
      },
      unsupported: {
        mark: 'A domain’s identity',
        text: 'Your identity hangs on your domain: who has the domain has it, and it has no keys here.',
      },
    },
    holders: {
      owner: 'Your key',
      host: 'The host’s key',
      organisation: 'The organisation’s key',
      unknown: 'A key we do not know',
    },
    keys: 'Who can change your identity',
    keysText: 'The most powerful first: what a key does, those above it can undo for 72 hours.',
    lost: 'not in your identity any more',
    made: 'made',
    checked: 'sheet tried',
    neverChecked: 'sheet not tried',
    locked: 'A copy, locked by a passkey, is kept here.',
    openLocked: 'Open it and show the words',
    forgetLocked: 'Delete the copy',
    noScript:
      'The key is made in your browser, so that the host never sees it. That needs JavaScript: turn it on and open this page again.',
    make: 'A new key',
    makeText:
      'The key is made in your browser and stays there: only its public half reaches the host.',
    makeSteps: [
      'You are shown sixteen words. Write them on paper, or print them.',
      'Three of them are asked for, to be sure that you have them.',
      'The host puts your key above its own in your identity, and nothing else changes.',
    ],
    start: 'Make the key',
    another: 'Make another key',
    sheet: 'Key sheet',
    sheetFor: 'Name',
    sheetKey: 'Public half',
    sheetHost: 'Host',
    sheetDate: 'Date',
    sheetText: [
      'Who has these words has the name. Keep the sheet where you keep your contracts; take no picture of it, send it to nobody.',
      'Beside each word stands a number of four digits that does the same: enter the word or its number.',
      'Up to four words may fade: they are known from the others.',
      'When the host is gone: falaj identity recover, of the Falaj project.',
    ],
    print: 'Print it',
    written: 'I wrote them down',
    ask: 'To be sure',
    askText: 'Look at your sheet and enter these words, or their numbers.',
    askWord: 'Word {place}',
    askWrong: 'Word {place} is another one. Look at your sheet again.',
    goOn: 'Continue',
    back: 'Show me the words again',
    keep: 'Put the key into your identity',
    keepText: 'This changes your identity, so we make sure that it is you.',
    label: 'A name for the sheet',
    labelHint: 'So that you know which one it is: “the sheet at home”.',
    passkey: 'Lock a copy with a passkey too',
    passkeyHint: 'For comfort, while this host lives. When it is gone, only the sheet helps.',
    passkeyNot:
      'This passkey cannot lock a copy, or it was cancelled. Your sheet is enough: go on without.',
    passkeyWrong: 'This passkey does not open it.',
    password: 'Password of the account',
    code: 'The code in your mail',
    codeHint: 'We send a code to your address. It works for a quarter of an hour.',
    sendCode: 'Send the code',
    codeSent: 'Sent. Look into your mail.',
    put: 'Put it there',
    check: 'Try a sheet',
    checkText:
      'Enter the words of your sheet, to know that it can be read. They are looked at in your browser, and not sent.',
    words: 'The words or their numbers',
    wordsHint: 'With spaces between. A question mark stands for a word that cannot be read.',
    checkGo: 'Look at it',
    countWrong: 'A sheet has 16 words, here are {count}.',
    mended:
      'Word {place} was entered as “{read}” and is “{word}” ({code}). Correct your sheet if it is written wrong.',
    unclear: 'Too much is wrong to say what was meant. Go through it word by word.',
    unknown: 'Word {place}, “{read}”, is none of the list.',
    perhaps: 'Perhaps: {like}.',
    foreign: 'The words are right, but another kind of program wrote them.',
    notYours:
      'The sheet is right, but its key is not registered for this account. If you made it and did not finish, finish now.',
    organisation: 'The organisation’s key',
    organisationText:
      'Who runs this host keeps a key away from it, that brings accounts back if the host is lost. It is put below yours and above the host’s.',
    organisationPut: 'Put it into my identity',
    remove: 'Take it out',
    removeText: 'Its sheet is of no use afterwards.',
    removeGo: 'Take it out',
    said: {
      added: 'The key is in your identity. Keep the sheet.',
      checked: 'The sheet is right, and its key is in its place.',
      removed: 'The key was taken out of your identity.',
      forgotten: 'The locked copy was deleted.',
    },
    problems: {
      password: 'The password is not right. Nothing has changed.',
      code: 'The code is not right, or too old. Nothing has changed.',
      email:
        'Your account has no email address, and this host sends a code to it. Add an address first.',
      many: 'Your identity has five keys, and no room for more. Take one out first.',
      signature: 'The host did not accept the proof. Is your clock right?',
      directory:
        'The directory of identities did not answer. It may have been done: look here in a while before you do it again.',
      away: 'The directory of identities does not answer now. What you have is as it was: look here again in a while.',
      refused: 'The directory of identities refused the change. Nothing has changed.',
    },
  },
}
