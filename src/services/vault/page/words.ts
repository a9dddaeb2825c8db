/** What the page says, in both languages. */

export type Language = 'ar' | 'en'

export const words = {
  en: {
    title: 'Vault',
    promise:
      'Copies of accounts are kept here, sealed, so that a host that goes away takes nothing with it.',
    accounts: 'Accounts',
    behind: 'Being brought in step',
    hosts: 'Hosts followed',
    practice: 'Practice',
    practiceIs:
      'Every so often some accounts are given back to this machine, from states chosen by chance, and every hash and signature is checked.',
    never: 'None was held yet.',
    whole: 'all whole',
    failed: (count: string) => `${count} could not be given back`,
    when: 'When',
    records: 'Records',
    files: 'Files',
    result: 'Result',
    other: 'العربية',
  },
  ar: {
    title: 'الخزنة',
    promise: 'نسخُ الحسابات هنا مختومة، فإن غاب مضيفٌ لم يأخذ معه شيئًا.',
    accounts: 'الحسابات',
    behind: 'ما زال يُستكمل',
    hosts: 'المضيفون المتابَعون',
    practice: 'التمرين',
    practiceIs:
      'من حين إلى حين تُستعاد بعض الحسابات على هذا الجهاز كما كانت في لحظة تختارها القرعة، ويُفحص كل ختم وكل توقيع.',
    never: 'لم يُجرَ تمرين بعد.',
    whole: 'كلها سليمة',
    failed: (count: string) => `تعذّرت استعادة ${count}`,
    when: 'متى',
    records: 'السجلات',
    files: 'الملفات',
    result: 'النتيجة',
    other: 'English',
  },
} as const
