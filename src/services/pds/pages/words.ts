/** Words that every page uses, in both languages. A page's own words stand in its file. */
import type { Language } from '../mail/index.ts'

export type { Language }

/** The same words in each language. */
export type Words<T> = Readonly<Record<Language, T>>

export const DIRECTIONS: Words<'rtl' | 'ltr'> = { ar: 'rtl', en: 'ltr' }
/** A language in its own name, for the switch. */
export const LANGUAGE_NAMES: Words<string> = { ar: 'العربية', en: 'English' }

export const common = {
  ar: {
    brand: 'فلج',
    skip: 'إلى محتوى الصفحة',
    language: 'اللغة',
    back: 'رجوع',
    cancel: 'إلغاء',
    goOn: 'متابعة',
    save: 'حفظ',
    home: 'حسابك',
  },
  en: {
    brand: 'Falaj',
    skip: 'Skip to content',
    language: 'Language',
    back: 'Back',
    cancel: 'Cancel',
    goOn: 'Continue',
    save: 'Save',
    home: 'Your account',
  },
} satisfies Words<Record<string, string>>
