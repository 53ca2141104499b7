import { searchedValues, type EndpointCells } from './cells.ts';
import type { Credentials, Kind } from './credentials.ts';
import { marksIn, marksOf, type Marks, type MarkedTenant } from './marked-tenant.ts';
import type { Ask, RawAnswer, ScopingWorld } from './scoping-world.ts';

/** What came of an endpoint's cells. */
export interface Tally {
  cells: number;
  /** Requests that a credential which may got an answer to, with the marks that others must not get. */
  controls: number;
  readonly leaks: string[];
  /** Cells that were answered otherwise than they have to be, without a leak. */
  readonly wrong: string[];
}

interface Trial {
  readonly world: ScopingWorld;
  readonly credentials: Credentials;
  readonly endpoint: string;
  readonly cells: EndpointCells;
  /** A key of `right` for everything: whose answers show that a foreign request is a good one. */
  readonly rightKey: string;
  readonly leftKey: string;
}

/** Tries every kind of credential of `left` at one endpoint: on its own tenant, on `right`, and on what a view hides. */
export async function tryEndpoint(trial: Trial): Promise<Tally> {
  const tally: Tally = { cells: 0, controls: 0, leaks: [], wrong: [] };
  for (const kind of trial.credentials.kinds) {
    await tryOwn(trial, kind, tally);
    await tryForeign(trial, kind, tally);
  }
  await tryHidden(trial, tally);
  return tally;
}

/** Whether a kind may use an endpoint, and otherwise the statuses with which it is refused. */
function rightsOf(
  kind: Kind,
  { scopes, views, isForOperators, refusal = 403 }: EndpointCells,
): 'may' | readonly number[] {
  switch (kind.is) {
    case 'key':
      return isForOperators === true && kind.of !== 'every tenant' ? [403] : 'may';
    case 'lacking':
      return scopes.length === 0 ? 'may' : [403];
    case 'token':
      if (views === null) return [401];
      return views.includes(kind.view) ? 'may' : [refusal, 403];
    case 'dead':
      return [401];
  }
}

const credentialOf = ({ credentials, cells }: Trial, kind: Kind): string =>
  kind.is === 'lacking' && cells.scopes.length === 0
    ? credentials.of(kind, ['events:read'])
    : credentials.of(kind, cells.scopes);

async function tryOwn(trial: Trial, kind: Kind, tally: Tally): Promise<void> {
  const { world, cells } = trial;
  const { left, right, middle } = world;
  const ask = await cells.own(world, left);
  const answer = await world.ask(credentialOf(trial, kind), ask);
  const isFine = answer.status < 300 || cells.alsoFine?.includes(answer.status) === true;
  const rights = rightsOf(kind, cells);
  tally.cells += 1;
  const isOperator = kind.is === 'key' && kind.of === 'every tenant';
  // Lists of an operator hold every tenant's; those of two tenants both.
  const strangers = [...(isOperator ? [] : marksOf(right)), ...(kind.is === 'key' && kind.of !== 'one tenant' ? [] : marksOf(middle))];
  note(tally, trial, kind, ask, answer, rights === 'may' ? [...strangers, ...hiddenFrom(kind, left)] : allMarks(world));
  if (rights !== 'may') {
    if (!rights.includes(answer.status)) complain(tally, trial, kind, ask, answer);
  } else if (!isFine || (cells.shows && marksIn(answer.text, marksOf(left), '').length === 0)) {
    complain(tally, trial, kind, ask, answer);
  } else tally.controls += 1;
} // prettier-ignore

async function tryForeign(trial: Trial, kind: Kind, tally: Tally): Promise<void> {
  const { world, credentials, cells } = trial;
  const [operator] = credentials.kinds;
  const mayRight =
    cells.isForOperators === true && operator !== undefined ? credentials.of(operator, cells.scopes) : trial.rightKey;
  const asks = (await cells.foreign?.(world, world.right)) ?? [];
  for (const ask of asks) {
    const answer = await world.ask(credentialOf(trial, kind), ask);
    tally.cells += 1;
    const isOperator = kind.is === 'key' && kind.of === 'every tenant';
    if (isOperator) {
      // Names its tenant, and gets that tenant's; or does not, and is asked to.
      if (ask.method === 'GET' && ask.path.includes('tenant_id=right')) note(tally, trial, kind, ask, answer, marksOf(world.left));
    } else {
      note(tally, trial, kind, ask, answer, kind.is === 'dead' ? allMarks(world) : [...marksOf(world.right), ...hiddenFrom(kind, world.left)]);
      const rights = rightsOf(kind, cells);
      const isRefused = answer.status >= 400 && answer.status < 500;
      const isRight = rights === 'may' ? ask.method === 'GET' || isRefused : rights.includes(answer.status);
      if (!isRight) complain(tally, trial, kind, ask, answer);
    }
  }
  // The same by who may, behind the attempts, so that what an attempt has removed is missed here.
  for (const ask of kind.is === 'key' && kind.of === 'every tenant' ? [] : asks) {
    const control = await world.ask(mayRight, ask);
    const isFine = control.status < 300 || cells.alsoFine?.includes(control.status) === true;
    if (!isFine || (cells.shows && marksIn(control.text, marksOf(world.right), '').length === 0)) {
      tally.wrong.push(`${trial.endpoint}: no control for ${ask.method} ${ask.path}: ${control.text.slice(0, 300)}`);
    } else tally.controls += 1;
  }
} // prettier-ignore

async function tryHidden(trial: Trial, tally: Tally): Promise<void> {
  const { world, credentials, cells, leftKey } = trial;
  const { left } = world;
  const views = credentials.kinds.filter((kind) => kind.is === 'token' && kind.view === 'user');
  for (const ask of cells.hidden?.(left) ?? []) {
    const control = await world.ask(leftKey, ask);
    const found = Number(control.body['total'] ?? 1);
    const marks = [...left.elsewhere.marks, ...left.robot.marks, ...left.onDocument.marks];
    if (control.status >= 300 || found === 0 || marksIn(control.text, marks, '').length === 0)
      tally.wrong.push(`${trial.endpoint}: no control for ${ask.path}: ${control.text.slice(0, 300)}`);
    else tally.controls += 1;
    for (const kind of views) {
      const answer = await world.ask(credentials.of(kind, cells.scopes), ask);
      tally.cells += 1;
      note(tally, trial, kind, ask, answer, [...marksOf(world.right), ...hiddenFrom(kind, left)]);
    }
    const other = await world.ask(credentials.robotView, ask);
    tally.cells += 1;
    const notRobots = [left.jane, left.onDocument, left.elsewhere].flatMap(({ marks: own }) => own);
    note(tally, trial, { name: 'user view of the same id', is: 'token', view: 'user' }, ask, other, notRobots);
  }
}

/** What the view `user` of jane must not show of her own tenant; of other kinds nothing. */
function hiddenFrom(kind: Kind, { elsewhere, robot, onDocument }: MarkedTenant): Marks {
  if (kind.is !== 'token' || kind.view !== 'user') return [];
  return [
    ...elsewhere.marks,
    ...robot.marks,
    ...onDocument.whereabouts,
    '"seq"',
    '"first_seq"',
    '"last_seq"',
    '"through_seq"',
    '"counter"',
  ];
}

function allMarks({ left, right, middle }: ScopingWorld): Marks {
  return [left, right, middle].flatMap(marksOf);
}

function note(
  tally: Tally,
  { world, endpoint }: Trial,
  kind: Kind,
  ask: Ask,
  answer: RawAnswer,
  forbidden: Marks,
): void {
  const request = JSON.stringify([decodeURIComponent(ask.path), ask.body]);
  const asked = Object.values(searchedValues(world.right));
  const text = asked.reduce((rest, value) => rest.replaceAll(value, ''), answer.text);
  for (const mark of marksIn(text, forbidden, request))
    tally.leaks.push(`${endpoint}, ${kind.name}: ${mark} in the answer to ${ask.path}`);
}

function complain(tally: Tally, { endpoint }: Trial, kind: Kind, ask: Ask, answer: RawAnswer): void {
  tally.wrong.push(`${endpoint}, ${kind.name}: ${ask.method} ${ask.path} was answered ${answer.text.slice(0, 400)}`);
}
