// make bench-write: what writing an event costs, on the side of the application and of the gateway. Scenarios by name: SCENARIOS='gateway'; all of them
// by default. Ends with one line RESULT {json}.
import { benchGateway } from './gateway.ts';
import { benchHostile } from './hostile.ts';
import { benchSdk } from './sdk.ts';

type Figures = Readonly<Record<string, number | string | boolean>>;

/** In the order in which they run. */
const scenarios: Readonly<Record<string, (say: (line: string) => void) => Promise<Figures>>> = {
  gateway: benchGateway,
  hostile: benchHostile,
  sdk: benchSdk,
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(scenarios, name));
if (unknown.length > 0)
  throw new Error(`no scenario ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`);

const figures: Figures[] = [];
for (const [name, run] of Object.entries(scenarios)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  say(`=== ${name}`);
  figures.push(await run(say));
}
say(`RESULT ${JSON.stringify(Object.assign({}, ...figures))}`);
