/** What records, methods and sets of permissions are called by people. */
import type { Words } from '../index.ts'

export interface PermissionNames {
  /** Records, by their collection. */
  collections: Readonly<Record<string, string>>
  /** What methods are about, by the first three parts of their names. */
  groups: Readonly<Record<string, string>>
  /** Sets whose author has no words in this language. */
  sets: Readonly<Record<string, { title: string; detail?: string }>>
}

export const permissionNames: Words<PermissionNames> = {
  ar: {
    collections: {
      'app.bsky.feed.post': 'المنشورات',
      'app.bsky.feed.like': 'الإعجابات',
      'app.bsky.feed.repost': 'إعادات النشر',
      'app.bsky.feed.generator': 'الخلاصات',
      'app.bsky.feed.threadgate': 'من يرد على منشوراتك',
      'app.bsky.feed.postgate': 'من يقتبس منشوراتك',
      'app.bsky.graph.follow': 'المتابعات',
      'app.bsky.graph.block': 'الحظر',
      'app.bsky.graph.list': 'القوائم',
      'app.bsky.graph.listitem': 'أعضاء القوائم',
      'app.bsky.graph.listblock': 'حظر القوائم',
      'app.bsky.graph.starterpack': 'حزم البداية',
      'app.bsky.actor.profile': 'ملفك التعريفي',
      'app.bsky.actor.status': 'حالتك',
      'app.bsky.labeler.service': 'خدمة وسومك',
      'app.bsky.notification.declaration': 'من يتلقى إشعارًا بما تنشر',
      'chat.bsky.actor.declaration': 'من يراسلك',
    },
    groups: {
      'app.bsky.actor': 'الملفات التعريفية وتفضيلاتك',
      'app.bsky.bookmark': 'محفوظاتك',
      'app.bsky.contact': 'جهات اتصالك',
      'app.bsky.draft': 'مسوداتك',
      'app.bsky.feed': 'المنشورات والخلاصات',
      'app.bsky.graph': 'المتابعات والقوائم والحظر',
      'app.bsky.labeler': 'الوسوم',
      'app.bsky.notification': 'الإشعارات',
      'app.bsky.unspecced': 'الاقتراحات والبحث',
      'app.bsky.video': 'المقاطع المرئية',
      'chat.bsky.actor': 'ضبط الرسائل الخاصة',
      'chat.bsky.convo': 'الرسائل الخاصة',
      'chat.bsky.group': 'المحادثات الجماعية',
      'com.atproto.moderation': 'البلاغات',
    },
    sets: {
      'app.bsky.authCreatePosts': {
        title: 'أن ينشر باسمك',
        detail: 'ولا يغيّر منشورًا ولا يحذفه.',
      },
      'app.bsky.authDeleteContent': {
        title: 'أن يحذف مما نشرت',
        detail: 'منشوراتك وإعادات نشرك وإعجاباتك.',
      },
      'app.bsky.authFullApp': {
        title: 'أن يفعل كل ما يفعله تطبيق اجتماعي',
        detail: 'ينشر ويتابع ويحذف، ويقرأ تفضيلاتك واشتراكاتك ويغيّرها.',
      },
      'app.bsky.authManageFeedDeclarations': { title: 'أن يدير الخلاصات التي تقدّمها' },
      'app.bsky.authManageLabelerService': { title: 'أن يدير خدمة وسومك' },
      'app.bsky.authManageModeration': {
        title: 'أن يدير من تحظره ومن تكتمه',
        detail: 'ومعهم قوائم الإشراف وخدماته وتفضيلاته.',
      },
      'app.bsky.authManageNotifications': { title: 'أن يقرأ إشعاراتك ويضبطها' },
      'app.bsky.authManageProfile': {
        title: 'أن يغيّر ملفك التعريفي',
        detail: 'ومعه حالتك ومن يراسلك.',
      },
      'app.bsky.authViewAll': {
        title: 'أن يرى كل ما تراه، ولا يكتب شيئًا',
        detail: 'المنشورات كما تظهر لك، وإشعاراتك وتفضيلاتك كلها.',
      },
      'chat.bsky.authFullChatClient': {
        title: 'أن يدير محادثاتك كلها',
        detail: 'يقرأ رسائلك الخاصة ويكتبها، ويغيّر ضبطها.',
      },
    },
  },
  en: {
    collections: {
      'app.bsky.feed.post': 'posts',
      'app.bsky.feed.like': 'likes',
      'app.bsky.feed.repost': 'reposts',
      'app.bsky.feed.generator': 'feeds',
      'app.bsky.feed.threadgate': 'who replies to your posts',
      'app.bsky.feed.postgate': 'who quotes your posts',
      'app.bsky.graph.follow': 'follows',
      'app.bsky.graph.block': 'blocks',
      'app.bsky.graph.list': 'lists',
      'app.bsky.graph.listitem': 'members of lists',
      'app.bsky.graph.listblock': 'blocks of lists',
      'app.bsky.graph.starterpack': 'starter packs',
      'app.bsky.actor.profile': 'your profile',
      'app.bsky.actor.status': 'your status',
      'app.bsky.labeler.service': 'your labeling service',
      'app.bsky.notification.declaration': 'who is notified of what you post',
      'chat.bsky.actor.declaration': 'who may write to you',
    },
    groups: {
      'app.bsky.actor': 'profiles and your preferences',
      'app.bsky.bookmark': 'your bookmarks',
      'app.bsky.contact': 'your contacts',
      'app.bsky.draft': 'your drafts',
      'app.bsky.feed': 'posts and feeds',
      'app.bsky.graph': 'follows, lists and blocks',
      'app.bsky.labeler': 'labels',
      'app.bsky.notification': 'notifications',
      'app.bsky.unspecced': 'suggestions and search',
      'app.bsky.video': 'videos',
      'chat.bsky.actor': 'settings of private messages',
      'chat.bsky.convo': 'private messages',
      'chat.bsky.group': 'group conversations',
      'com.atproto.moderation': 'reports',
    },
    // What their authors say of them is in English.
    sets: {},
  },
}
