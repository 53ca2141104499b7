import type { Config } from '../config.ts';
import type { NoticeWebhook } from './notices.ts';

/** The operator's webhook, where there is one. Throws for a URL without a secret: what is not signed proves nothing. */
export function noticeWebhookOf({
  noticeWebhookUrl: url,
  noticeWebhookSecret: secret,
}: Pick<Config, 'noticeWebhookUrl' | 'noticeWebhookSecret'>): NoticeWebhook | undefined {
  if (url === '') return undefined;
  if (secret === '') throw new Error('NOTICE_WEBHOOK_URL needs NOTICE_WEBHOOK_SECRET');
  return { url, secret };
}

/** The operator's own webhook is no customer's: it may be inside the network, and speak plain http. */
export function hostsOf(url: string): readonly string[] {
  return url === '' ? [] : [new URL(url).host];
}
