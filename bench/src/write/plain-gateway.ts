// The peer of make bench-write: the same HTTP server, publisher and acks, and nothing of a gateway. No key, no check, no schema, no limit, no metric: the
// body is parsed, and each event goes to Kafka as the JSON it came as.
import { createKafka, createPublisher, kafkaSettings } from '@docket/kafka';
import { createApiRouter, httpSettings, logSettings, parseJson, readBody, runService } from '@docket/runtime';
import type { App, AppPorts, SettingsOf } from '@docket/runtime';

const settings = { ...httpSettings, ...logSettings, ...kafkaSettings };
const bodyBytesMax = 5 * 1024 * 1024;

function createPlainApp(config: SettingsOf<typeof settings>, { logger }: AppPorts): App {
  const kafka = createKafka(config, { logger, clientId: 'bench-plain' });
  const publisher = createPublisher(kafka, { deadlineMs: 4_000 });
  const router = createApiRouter();
  router.add(
    { method: 'post', path: '/v1/events', name: 'plain', tag: 'plain', access: 'public', summary: '', answers: {} },
    async (req, res) => {
      const body = { ...Object(parseJson(await readBody(req, { bytesMax: bodyBytesMax }))) };
      const events: unknown[] = Array.isArray(body.events) ? body.events : [body];
      const outcomes = await publisher.publish(
        kafka.topics.events.name,
        events.map((event) => ({
          key: String(Object(event).tenant_id),
          value: Buffer.from(JSON.stringify(event)),
        })),
      );
      res.status(outcomes.every(({ ok }) => ok) ? 202 : 503).json({ results: outcomes.length });
    },
  );
  return {
    router,
    start: () => publisher.start(),
    stop: () => publisher.stop(),
    health: () => ({ ready: true, checks: {} }),
  };
}

await runService({ name: 'plain', settings, createApp: createPlainApp });
