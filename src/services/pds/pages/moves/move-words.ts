/** What the pages of a move say. Arabic was written for them, not translated. */
import type { MoveStep } from '#protocol/account'
import type { Words } from '../index.ts'

type Steps = Record<Exclude<MoveStep, 'done'>, string>

interface HereWords {
  title: string
  lead: string
  name: string
  nameHint: string
  password: string
  passwordHint: string
  factor: string
  factorHint: string
  source: string
  sourceMore: string
  sourceHint: string
  check: string
  checkHint: string
  gone: string
  goneGo: string
  plan: string
  planLead: string
  from: string
  to: string
  keepsName: string
  fates: Record<'ownDomain' | 'issuedHere' | 'issuedThere', string>
  copies: string
  records: string
  media: string
  copiesText: string
  meanwhile: string
  meanwhileText: string
  keys: string
  keysText: string
  services: string
  apps: string
  appsText: string
  appsNames: string
  web: string
  webText: string
  long: string
  back: string
  backText: string
  obstacles: string
  obstacle: Record<string, string>
  otherObstacle: string
  here: string
  email: string
  emailHint: string
  own: string
  ownHint: string
  invite: string
  go: string
  goOn: string
  notNow: string
  again: string
  said: string
  problems: Record<string, string>
  done: Record<string, string>
}

export const hereWords: Words<HereWords> = {
  ar: {
    title: 'انتقل بحسابك إلى هنا',
    lead: 'يأتي معك اسمك ومتابعوك وكل ما كتبته. نبدأ بفحص لا يغيّر شيئًا، ثم تقرر.',
    name: 'اسم حسابك',
    nameHint: 'كما هو الآن عند مضيفك.',
    password: 'كلمة مروره عند مضيفك الحالي',
    passwordHint: 'كلمة مرور الحساب نفسه، لا كلمة صُنعت لتطبيق. تُستعمل لهذا الانتقال ثم تُنسى.',
    factor: 'رمز الخطوة الثانية',
    factorHint: 'يطلبه مضيفك: من تطبيق الرموز، أو من الرسالة التي أرسلها للتو.',
    source: 'عنوان مضيفك',
    sourceMore: 'أعرف عنوان مضيفي',
    sourceHint: 'اتركه فارغًا فنجده من اسمك.',
    check: 'افحص أولًا',
    checkHint: 'الفحص لا يغيّر شيئًا، لا هنا ولا هناك.',
    gone: 'مضيفك لا يجيب ولن يعود؟',
    goneGo: 'عُد بمفتاح اسمك',
    plan: 'هذا ما سيحدث',
    planLead: 'لم يتغير شيء بعد. اقرأ، ثم قرر.',
    from: 'من',
    to: 'إلى',
    keepsName: 'يبقى اسمك',
    fates: {
      ownDomain: 'نطاق تملكه أنت، فلا يمسّه الانتقال. ويبقى متابعوك وكل رابط إليك.',
      issuedHere: 'من أسماء هذا المضيف. ويبقى متابعوك وكل رابط إليك.',
      issuedThere:
        'أعطاك إياه مضيفك القديم، ويبقى ما دام يجيب عنه. يمكنك أن تختار هنا اسمًا آخر متى شئت.',
    },
    copies: 'يُنسخ كل شيء',
    records: 'السجلات',
    media: 'الصور والمقاطع',
    copiesText: 'ومعها تفضيلاتك. يُتحقق من كل واحد ببصمته قبل أن ينتقل اسمك.',
    meanwhile: 'واصل الكتابة أثناء ذلك',
    meanwhileText: 'ما تكتبه يلحق بالباقي، ولا يتوقف إلا لحظة الانتقال نفسها.',
    keys: 'تبقى مفاتيحك',
    keysText: 'مفاتيح في هويتك ليست لأحد المضيفين:',
    services: 'وتبقى خدماتك الأخرى',
    apps: 'تدخل إلى تطبيقاتك من جديد',
    appsText: 'لا تنتقل الجلسات ولا كلمات مرور التطبيقات.',
    appsNames: 'عندك من هذه:',
    web: 'هويتك نطاق تملكه',
    webText: 'حين يُنسخ كل شيء نعطيك وثيقة تنشرها عندك، وننتظر حتى نراها.',
    long: 'يستغرق نحو',
    back: 'ولك أن تعود',
    backText:
      'إلى لحظة انتقال اسمك تتركه بلا أثر. وبعدها تعود خلال ٧٢ ساعة، فمضيفك القديم يحفظ نسخة نائمة.',
    obstacles: 'لا يمكن الانتقال بعد',
    obstacle: {
      'same-host': 'حسابك هنا من قبل.',
      'identity-unknown': 'لا يعرف سجل الهويات هذا الحساب.',
      'source-cannot-sign':
        'ليس عند مضيفك مفتاح يغيّر هويتك. مفتاح اسمك، إن كان لك واحد، يستطيع ذلك.',
      'destination-unreachable': 'هذا المضيف لا يجيب نفسه الآن. حاول بعد قليل.',
      'moving-already': 'انتقال لهذا الحساب بدأ من قبل. إن واصلت هنا أكمل من حيث وقف.',
    },
    otherObstacle: 'شيء آخر في الطريق:',
    here: 'حسابك هنا',
    email: 'بريدك عند هذا المضيف',
    emailHint: 'لرسائل الحساب وحدها.',
    own: 'كلمة مرور أخرى هنا',
    ownHint: 'اتركها فارغة فتبقى كلمتك كما هي.',
    invite: 'رمز الدعوة',
    go: 'انتقل الآن',
    goOn: 'واصل الانتقال',
    notNow: 'ليس الآن',
    again: 'ابدأ من جديد',
    said: 'ما قيل:',
    problems: {
      wrong: 'لم يقبل مضيفك الاسم أو كلمة المرور. راجعهما؛ كلمات مرور التطبيقات لا تكفي للانتقال.',
      factor: 'يطلب مضيفك رمز الخطوة الثانية. أدخله مع كلمة المرور مرة أخرى.',
      host: 'لم نجد مضيف هذا الاسم. راجعه، أو أدخل عنوان مضيفك أدناه.',
      away: 'مضيفك لا يجيب الآن. لم يتغير شيء؛ حاول بعد قليل.',
      busy: 'مضيفك يطلب أن ننتظر. حاول بعد بضع دقائق.',
      stale: 'مضى وقت على الفحص، فابدأ من جديد. لم يتغير شيء.',
      invite: 'رمز الدعوة هذا لا يصلح.',
      handle: 'اسم حسابك لا يمكن أخذه هنا الآن.',
      password: 'كلمة المرور ثمانية أحرف على الأقل.',
      before: 'كان لك هنا حساب بكلمة مرور أخرى. أدخل تلك الكلمة في «كلمة مرور أخرى هنا».',
      email: 'هذا البريد عند حساب آخر هنا، أو لا يصح.',
      other: 'لم يبدأ الانتقال، ولم يتغير شيء. حاول بعد قليل.',
    },
    done: {
      abandoned: 'تُرك الانتقال. حسابك عند مضيفك كما كان، ولم يلحظ أحد شيئًا.',
      left: 'حسنًا، ليس الآن. لم يتغير شيء.',
    },
  },
  en: {
    title: 'Move your account here',
    lead: 'Your handle, your followers and everything you wrote come along. First a check that changes nothing; then you decide.',
    name: 'Your handle',
    nameHint: 'As it is now, at your host.',
    password: 'Its password at your present host',
    passwordHint:
      'The account’s own, not one made for an app. It is used for this move, then forgotten.',
    factor: 'Code of your second factor',
    factorHint: 'Your host asks for it: from your app, or from the letter it has just sent.',
    source: 'Address of your host',
    sourceMore: 'I know the address of my host',
    sourceHint: 'Leave it empty, and we find it by your handle.',
    check: 'Check first',
    checkHint: 'The check changes nothing, neither here nor there.',
    gone: 'Your host does not answer, and will not come back?',
    goneGo: 'Come back by the key to your name',
    plan: 'This is what will happen',
    planLead: 'Nothing has changed yet. Read, then decide.',
    from: 'From',
    to: 'To',
    keepsName: 'You keep your handle',
    fates: {
      ownDomain:
        'It is a domain of yours: the move does not touch it. Followers and every link to you stay.',
      issuedHere: 'It is one of this host’s. Followers and every link to you stay.',
      issuedThere:
        'Your old host gave it to you, and it stays while that host answers for it. You can choose another one here at any time.',
    },
    copies: 'Everything is copied',
    records: 'Records',
    media: 'Pictures and videos',
    copiesText: 'With your preferences. Each is checked by its fingerprint before your name moves.',
    meanwhile: 'You may go on writing',
    meanwhileText: 'What you write follows the rest. It pauses for the moment of the switch only.',
    keys: 'Your own keys stay',
    keysText: 'Keys in your identity that belong to neither host:',
    services: 'Your other services stay',
    apps: 'You sign in to your apps again',
    appsText: 'Sessions and app passwords do not move.',
    appsNames: 'You have these:',
    web: 'Your identity is a domain of yours',
    webText:
      'When everything is copied, we give you a document to publish there, and wait until we see it.',
    long: 'It takes about',
    back: 'And there is a way back',
    backText:
      'Until your name moves, you can give it up without a trace. After that you can move back within 72 hours: your old host keeps a sleeping copy.',
    obstacles: 'You cannot move yet',
    obstacle: {
      'same-host': 'Your account is here already.',
      'identity-unknown': 'The directory of identities does not know this account.',
      'source-cannot-sign':
        'Your host holds no key that can change your identity. The key to your name, if you have one, can.',
      'destination-unreachable': 'This host does not answer itself just now. Try again in a while.',
      'moving-already':
        'A move of this account has begun before. Going on takes it up where it stopped.',
    },
    otherObstacle: 'Something else is in the way:',
    here: 'Your account here',
    email: 'Your email at this host',
    emailHint: 'For letters about the account only.',
    own: 'Another password here',
    ownHint: 'Leave it empty to keep the one you have.',
    invite: 'Invite code',
    go: 'Move now',
    goOn: 'Go on with the move',
    notNow: 'Not now',
    again: 'Begin again',
    said: 'What was said:',
    problems: {
      wrong:
        'Your host did not take the handle or the password. Look at both; app passwords do not suffice for a move.',
      factor:
        'Your host asks for the code of your second factor. Enter it, with the password once more.',
      host: 'We found no host of this handle. Look at it, or give the address of your host below.',
      away: 'Your host does not answer just now. Nothing has changed; try again in a while.',
      busy: 'Your host asks us to wait. Try again in a few minutes.',
      stale: 'The check was a while ago: begin again. Nothing has changed.',
      invite: 'This invite code does not work.',
      handle: 'Your handle cannot be taken in here just now.',
      password: 'A password has at least eight characters.',
      before:
        'You had an account here before, with another password. Give that one as “Another password here”.',
      email: 'Another account here has this email, or it is not one.',
      other: 'The move has not begun, and nothing has changed. Try again in a while.',
    },
    done: {
      abandoned:
        'The move is given up. Your account is at your host as it was, and nobody noticed.',
      left: 'Good: not now. Nothing has changed.',
    },
  },
}

interface MoveWords {
  title: string
  titles: Record<'running' | 'waiting' | 'paused' | 'failed' | 'done' | 'abandoned', string>
  steps: Steps
  said: Record<'code' | 'document' | 'paused' | 'failed' | 'done' | 'abandoned' | 'trying', string>
  progress: string
  brought: string
  rate: string
  media: string
  of: string
  left: string
  about: string
  leaveHint: string
  lost: string
  problem: string
  pause: string
  resume: string
  abandon: string
  abandonText: string
  abandonGo: string
  afterSwitch: string
  code: string
  codeText: string
  codeGo: string
  wrongCode: string
  letter: string
  document: string
  documentText: string
  documentPlace: string
  documentKeep: string
  checks: Record<'handle' | 'key' | 'host', string>
  there: string
  notThere: string
  unreadable: string
  save: string
  text: string
  look: string
  receipt: string
  whole: string
  partly: string
  name: string
  records: string
  missing: string
  warnings: Record<string, string>
  late: string
  kept: string
  seen: string
  notSeen: string
  took: string
  proof: string
  saveReceipt: string
  verify: string
  back: string
  backText: string
  backUntil: string
  backPassword: string
  backCode: string
  backSend: string
  backGo: string
  backOver: string
  away: string
  awayText: string
  address: string
  addressHint: string
  addressGo: string
  ours: string
  oursText: string
  invite: string
  goThere: string
  foreign: string
  foreignText: string
  nobody: string
  livesAt: string
  livesText: string
  earlier: string
  show: string
  here: string
  hereText: string
  hereGo: string
  problems: Record<string, string>
  done: Record<string, string>
}

export const moveWords: Words<MoveWords> = {
  ar: {
    title: 'الانتقال',
    titles: {
      running: 'حسابك في الطريق',
      waiting: 'الانتقال ينتظرك',
      paused: 'الانتقال متوقف',
      failed: 'تعثّر الانتقال',
      done: 'وصلت',
      abandoned: 'تُرك الانتقال',
    },
    steps: {
      account: 'يُهيّأ لك مكان هنا',
      repo: 'تُنسخ سجلاتك ويُتحقق منها',
      blobs: 'تتبعها الصور والمقاطع',
      preferences: 'وتأتي معها تفضيلاتك',
      sign: 'يُوقَّع تغيير العنوان',
      switch: 'يلحق ما كتبته أثناء ذلك، وينتقل اسمك',
      activate: 'يُفتح المكان الجديد',
      leave: 'وينام القديم',
      verify: 'ويُعدّ كل شيء من جديد',
    },
    said: {
      code: 'أرسل مضيفك القديم رسالة فيها رمز. أدخله هنا ليُكمل الانتقال.',
      document: 'نُسخ كل شيء. بقي أن تنشر وثيقة هويتك عند نطاقك.',
      paused: 'توقف بأمرك، ولا شيء يضيع. حسابك عند مضيفك يعمل كما كان.',
      failed: 'توقف الانتقال عند هذه الخطوة. لا شيء ضاع، ولك أن تحاول ثانية أو تتركه.',
      done: 'حسابك الآن هنا.',
      abandoned: 'لم يتغير شيء، وحسابك عند مضيفك كما كان.',
      trying: 'لا يجيب المضيف القديم أو سجل الهويات الآن. نحاول من جديد وحدنا.',
    },
    progress: 'ما تمّ من الانتقال',
    brought: 'وصل',
    rate: 'السرعة',
    media: 'الصور والمقاطع',
    of: 'من',
    left: 'يبقى',
    about: 'نحو',
    leaveHint: 'لك أن تغلق الصفحة: الانتقال يمضي وحده، وتعود إليه متى شئت.',
    lost: 'انقطع الاتصال بهذه الصفحة. الانتقال ماضٍ، ونحاول أن نراه من جديد.',
    problem: 'ما قيل',
    pause: 'أوقفه قليلًا',
    resume: 'واصل',
    abandon: 'اترك الانتقال',
    abandonText:
      'يُحذف ما نُسخ إلى هنا، ويبقى حسابك عند مضيفك كما هو. لا يلحظ أحد شيئًا، ولك أن تبدأ من جديد.',
    abandonGo: 'نعم، اتركه',
    afterSwitch: 'انتقل اسمك أو أوشك، فلا يُترك الآن. ما بقي قليل، والمواصلة تُتمّه.',
    code: 'الرمز الذي في الرسالة',
    codeText: 'أرسله مضيفك القديم إلى بريدك عنده، ليتأكد أنك أنت.',
    codeGo: 'واصل بهذا الرمز',
    wrongCode: 'لم يقبل مضيفك ذلك الرمز. راجعه، أو اطلب رسالة أخرى.',
    letter: 'أرسل رسالة أخرى',
    document: 'انشر هذه الوثيقة',
    documentText:
      'هويتك نطاق تملكه، فلا يستطيع أحد غيرك أن يقول أين يسكن حسابك. ضع هذا النص كاملًا في',
    documentKeep:
      'ما كان فيها غير هذه الأمور الثلاثة بقي كما هو. ننظر إليها كل نصف دقيقة، فإذا رأيناها أكملنا وحدنا. ولا تعُد عنها بعد ذلك: ما يكتبه المضيف القديم بعدها لا يُقبل.',
    documentPlace: 'الوثيقة كلها',
    checks: {
      handle: 'الاسم أولًا في alsoKnownAs',
      key: 'مفتاح التوقيع الجديد ‎#atproto',
      host: 'المضيف الجديد ‎#atproto_pds',
    },
    there: 'موجود',
    notThere: 'ليس بعد',
    unreadable: 'لا نستطيع قراءة وثيقتك الآن. هل يجيب نطاقك؟',
    save: 'نزّل did.json',
    text: 'نص الوثيقة',
    look: 'انظر الآن',
    receipt: 'إيصال الانتقال',
    whole: 'وصل كل شيء، وهو هو حتى آخر بايت.',
    partly: 'وصلت سجلاتك. بعض الصور لم تكن عند المضيف القديم، أو تغيّر شيء في الطريق.',
    name: 'الاسم',
    records: 'السجلات',
    missing: 'ينقص',
    warnings: {
      'source-silent':
        'لم يجب المضيف القديم بعد انتقالك، فقد يظن أن حسابك ما زال عنده. لا يضرّ ذلك شيئًا هنا.',
      'source-refused':
        'انتهت جلستك عند المضيف القديم قبل أن يُغلق حسابك هناك. ادخل إليه وأوقف الحساب.',
      'late-writes-left': 'كُتب عند المضيف القديم شيء في آخر لحظة ولم نستطع أن نأتي به.',
      'not-seen-yet': 'لم ترَ الشبكة كلها حسابك في مكانه الجديد بعد. تراه وحدها حين تمرّ من هنا.',
      'blobs-not-compared': 'الصور أكثر من أن تُقارن القائمتان؛ كل واحدة منها فُحصت ببصمتها.',
    },
    late: 'كُتب في آخر لحظة وجاء',
    kept: 'تغيّر هنا وهناك، فبقي ما هنا',
    seen: 'رآك في مكانك الجديد',
    notSeen: 'لم يرك بعد',
    took: 'استغرق',
    proof: 'الإيصال كاملًا',
    saveReceipt: 'نزّل الإيصال',
    verify: 'وقّعه مفتاح حسابك هنا، ويتحقق منه أي أحد بالأمر',
    back: 'غيّرت رأيك؟ عُد',
    backText: 'يعود حسابك مع ما كتبته هنا، كما جاء.',
    backUntil: 'يمكن ذلك حتى',
    backPassword: 'كلمة مرورك هنا',
    backCode: 'الرمز الذي في الرسالة',
    backSend: 'أرسل لي الرمز',
    backGo: 'عُد إلى',
    backOver: 'انقضى وقت العودة السهلة. ولك دائمًا أن تنتقل من جديد.',
    away: 'انتقل إلى مضيف آخر',
    awayText:
      'حسابك لك، وتأخذه حيث شئت: الاسم والمتابعون وكل ما كتبته. يبدأ الانتقال عند المضيف الذي تذهب إليه.',
    address: 'عنوان المضيف الآخر',
    addressHint: 'مثل pds.example.com',
    addressGo: 'انظر إن كان يجيب',
    ours: 'يجيب، ويستقبل المنتقلين',
    oursText: 'تبدأ عنده بفحص لا يغيّر شيئًا.',
    invite: 'ويطلب رمز دعوة.',
    goThere: 'اذهب إليه',
    foreign: 'يجيب، ولكن ليس عنده صفحة للانتقال',
    foreignText: 'يصلح سطر الأوامر لذلك. ينسخ ويتحقق ويكمل من حيث وقف:',
    nobody: 'لا مضيف يجيب هناك. هل العنوان صحيح؟',
    livesAt: 'حسابك يسكن الآن عند',
    livesText: 'هذه نسخة نائمة منه. ترى انتقاله وتقرر فيه هناك.',
    earlier: 'انتقالات سابقة إلى هنا',
    show: 'اعرضه',
    here: 'انتقل إلى هنا',
    hereText: 'عندك حساب عند مضيف آخر؟',
    hereGo: 'انتقل به إلى هنا',
    problems: {
      password: 'كلمة المرور غير صحيحة.',
      code: 'هذا الرمز لا يصلح، أو انقضى وقته.',
      mail: 'نحتاج إلى الرمز الذي في الرسالة. اطلبه ثم أدخله.',
      email: 'ليس لحسابك بريد نرسل إليه الرمز.',
      now: 'لم يعد ذلك ممكنًا: تغيّر شيء منذ فتحت الصفحة. هذا ما هو عليه الآن.',
      away: 'المضيف الآخر لا يجيب الآن. لم يتغير شيء؛ حاول بعد قليل.',
      other: 'لم يتم ذلك، ولم يتغير شيء. حاول بعد قليل.',
    },
    done: {
      back: 'بدأت العودة. تراها وتقرر فيها عند مضيفك القديم.',
      mailed: 'أرسلنا الرمز إلى بريدك.',
      letter: 'طلبنا من مضيفك رسالة أخرى.',
    },
  },
  en: {
    title: 'Moving',
    titles: {
      running: 'Your account is on its way',
      waiting: 'The move waits for you',
      paused: 'The move is paused',
      failed: 'The move got stuck',
      done: 'You have arrived',
      abandoned: 'The move was given up',
    },
    steps: {
      account: 'A place is made for you here',
      repo: 'Your records are copied and checked',
      blobs: 'Pictures and videos follow',
      preferences: 'Your preferences come along',
      sign: 'The change of address is signed',
      switch: 'What you wrote meanwhile catches up, and your name moves',
      activate: 'The new place opens',
      leave: 'The old one goes to sleep',
      verify: 'Everything is counted once more',
    },
    said: {
      code: 'Your old host has sent a letter with a code. Enter it here, and the move goes on.',
      document: 'Everything is copied. What is left is the document at your domain: publish it.',
      paused: 'You paused it, and nothing is lost. Your account works at your host as before.',
      failed: 'The move stopped at this step. Nothing is lost: try again, or give it up.',
      done: 'Your account is here now.',
      abandoned: 'Nothing has changed: your account is at your host as it was.',
      trying:
        'The old host or the directory of identities does not answer just now. We try again by ourselves.',
    },
    progress: 'How far the move is',
    brought: 'Has come',
    rate: 'Speed',
    media: 'Pictures and videos',
    of: 'of',
    left: 'Left',
    about: 'about',
    leaveHint: 'You may close this page: the move goes on by itself. Come back whenever you like.',
    lost: 'This page lost its connection. The move goes on; we are trying to see it again.',
    problem: 'What was said',
    pause: 'Pause',
    resume: 'Go on',
    abandon: 'Give the move up',
    abandonText:
      'What was copied here is deleted, and your account stays at your host as it is. Nobody notices, and you can begin again.',
    abandonGo: 'Yes, give it up',
    afterSwitch:
      'Your name has moved or is about to, so it cannot be given up now. Little is left, and going on finishes it.',
    code: 'The code of the letter',
    codeText: 'Your old host sent it to the address it has of you, to be sure that it is you.',
    codeGo: 'Go on with this code',
    wrongCode: 'Your host did not take that code. Look at it, or ask for another letter.',
    letter: 'Send another letter',
    document: 'Publish this document',
    documentText:
      'Your identity is a domain of yours, so that nobody but you can say where your account lives. Put the whole of this text at',
    documentKeep:
      'What else was in it stays as it was. We look every half minute, and go on by ourselves when we see it. Leave it so then: what the old host writes after that is not accepted.',
    documentPlace: 'The whole document',
    checks: {
      handle: 'The handle, first in alsoKnownAs',
      key: 'The new signing key, #atproto',
      host: 'The new host, #atproto_pds',
    },
    there: 'is there',
    notThere: 'not yet',
    unreadable: 'We cannot read your document just now. Does your domain answer?',
    save: 'Download did.json',
    text: 'The document’s text',
    look: 'Look now',
    receipt: 'Receipt of the move',
    whole: 'Everything has arrived, the same to the last byte.',
    partly:
      'Your records have arrived. The old host lacked some pictures, or something changed on the way.',
    name: 'Handle',
    records: 'Records',
    missing: 'missing',
    warnings: {
      'source-silent':
        'The old host did not answer after you had moved: it may still believe that your account is there. That harms nothing here.',
      'source-refused':
        'Your session at the old host ended before your account was closed there. Sign in to it, and pause the account.',
      'late-writes-left':
        'Something was written at the old host in the last moment, and could not be brought.',
      'not-seen-yet':
        'Not all of the network has seen your account at its new place yet. It will, by itself.',
      'blobs-not-compared':
        'There are too many pictures to compare both lists; each was checked by its fingerprint.',
    },
    late: 'Written in the last moment, and brought',
    kept: 'Changed here and there: what is here stays',
    seen: 'Has seen you at your new place',
    notSeen: 'Has not seen you yet',
    took: 'Took',
    proof: 'The whole receipt',
    saveReceipt: 'Download the receipt',
    verify: 'Your account’s key here signed it, and anybody can check that with',
    back: 'Changed your mind? Go back',
    backText: 'Your account goes back with what you wrote here, as it came.',
    backUntil: 'Possible until',
    backPassword: 'Your password here',
    backCode: 'The code of the letter',
    backSend: 'Send me the code',
    backGo: 'Go back to',
    backOver: 'The time of the easy way back is over. You can always move again.',
    away: 'Move to another host',
    awayText:
      'Your account is yours, and goes where you like: handle, followers and everything you wrote. A move begins at the host you go to.',
    address: 'Address of the other host',
    addressHint: 'Such as pds.example.com',
    addressGo: 'See whether it answers',
    ours: 'It answers, and takes in who moves',
    oursText: 'You begin there with a check that changes nothing.',
    invite: 'It asks for an invite code.',
    goThere: 'Go there',
    foreign: 'It answers, but has no page for moving',
    foreignText: 'The command line does it: it copies, checks, and goes on where it stopped:',
    nobody: 'No host answers there. Is the address right?',
    livesAt: 'Your account lives now at',
    livesText: 'This is a sleeping copy. You see its move, and decide about it, over there.',
    earlier: 'Earlier moves into this host',
    show: 'Show',
    here: 'Move here',
    hereText: 'You have an account at another host?',
    hereGo: 'Move it here',
    problems: {
      password: 'The password is not right.',
      code: 'This code does not work, or its time is over.',
      mail: 'The code of the letter is needed. Ask for it, then enter it.',
      email: 'Your account has no email address to send a code to.',
      now: 'That is no longer possible: something changed since you opened the page. This is how it stands.',
      away: 'The other host does not answer just now. Nothing has changed; try again in a while.',
      other: 'That did not work, and nothing has changed. Try again in a while.',
    },
    done: {
      back: 'The way back has begun. You see it, and decide about it, at your old host.',
      mailed: 'We have sent the code to your address.',
      letter: 'We asked your host for another letter.',
    },
  },
}
