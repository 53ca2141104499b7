import type { EventStatus } from '../public-event.ts';
import { compileSearch, type EventMatcher } from './match-search.ts';
import { normaliseSearch } from './normalise-search.ts';
import type { ValueField } from './search-fields.ts';
import { mentions, nothing, type Search } from './search.ts';

/** Somebody or something, by both parts of its name: another kind with the same id is another one. */
export interface TypedId {
  readonly type: string;
  readonly id: string;
}

/** The events that concern one end user: any of these did it, had it done for them, or was acted upon. */
export interface OwnEvents {
  readonly actors: readonly TypedId[];
  readonly onBehalfOf: readonly TypedId[];
  readonly resources: readonly TypedId[];
}

/** What a credential may see of the log. Decided by the credential, never by what is asked. */
export interface SearchScope {
  readonly tenantId: string;
  readonly statuses: readonly EventStatus[];
  /** Of the view `user`; null: the whole log of the tenant. */
  readonly own: OwnEvents | null;
}

declare const scoped: unique symbol;

/** A search within a scope: the only kind that is run against a log. Only `scopeSearch` makes one. */
export interface ScopedSearch {
  readonly tenantId: string;
  readonly search: Search;
  /** The events whose every field is shown; null: of all that the search finds. */
  readonly ownActions: Search | null;
  readonly [scoped]: true;
}

/** What a search shows that asks for no status. */
export const statusesByDefault: readonly EventStatus[] = ['accepted', 'conflict'];

/** The metadata key that marks an event as a redriven record; its value is the record's seq, or that it lay in another log. */
export const redriveOfKey = '_redrive_of';

/** A user sees these of his own actions only: for him other events do not have them (design: views). */
const fieldsOfOwnActions: ReadonlySet<string> = new Set(['ip', 'session_id']);
/** Of no event at all: it is a seq, which counts what everybody does. */
const neverShownField = `metadata.${redriveOfKey}`;

/**
 * The search, narrowed to its scope (I5): what it matches is matched by the scope alone, too. Nothing in a search can widen
 * it, because the scope is a term of its own that has to hold as well. Fields that the view does not show are absent in it,
 * so that no question about them finds anything out.
 */
export function scopeSearch(search: Search, { tenantId, statuses, own }: SearchScope): ScopedSearch {
  const asked = mentions(search, 'status') ? statuses : statusesByDefault.filter((status) => statuses.includes(status));
  const terms: Search[] = [{ kind: 'is', field: 'status', values: asked }];
  const ownActions = own === null ? null : normaliseSearch(actorTerm(checked(own).actors, 'actor'));
  if (own === null || ownActions === null) terms.push(search);
  else terms.push(ownTerm(own), withoutHidden(search, ownActions));
  // The border of the type: its mark exists for the compiler only.
  return { tenantId, search: normaliseSearch({ kind: 'and', terms }), ownActions } as ScopedSearch;
}

/** Of which events the view `user` shows a field: of others it must be neither asked for nor counted. */
export function shownOfField(field: ValueField): 'all' | 'own' | 'none' {
  if (field === neverShownField) return 'none';
  return fieldsOfOwnActions.has(field) ? 'own' : 'all';
}

/** The predicate of a scoped search: never true of another tenant's event. */
export function compileScoped({ tenantId, search }: ScopedSearch): EventMatcher {
  const matches = compileSearch(search);
  return (logged) => logged.event.tenant_id === tenantId && matches(logged);
}

/** An empty part would stand for its absence, and a colon in a type could move into the id: either would widen the scope. */
function checked(own: OwnEvents): OwnEvents {
  for (const { type, id } of [...own.actors, ...own.onBehalfOf, ...own.resources]) {
    if (type === '' || id === '' || type.includes(':'))
      throw new Error('a scope needs a type without a colon, and an id');
  }
  return own;
}

function ownTerm({ actors, onBehalfOf, resources }: OwnEvents): Search {
  const keys = resources.map(({ type, id }) => `${type}:${id}`);
  return {
    kind: 'or',
    terms: [
      actorTerm(actors, 'actor'),
      actorTerm(onBehalfOf, 'on_behalf_of'),
      { kind: 'is', field: 'resource', values: keys },
    ],
  };
}

function actorTerm(pairs: readonly TypedId[], role: 'actor' | 'on_behalf_of'): Search {
  return {
    kind: 'or',
    terms: pairs.map(({ type, id }) => ({
      kind: 'and',
      terms: [
        { kind: 'is', field: `${role}_type`, values: [type] },
        { kind: 'is', field: `${role}_id`, values: [id] },
      ],
    })),
  };
}

/** The search, asked of events as the view shows them: without seq, and with some fields only where `isOwnAction`. */
function withoutHidden(search: Search, isOwnAction: Search): Search {
  switch (search.kind) {
    case 'and':
    case 'or':
      return { kind: search.kind, terms: search.terms.map((term) => withoutHidden(term, isOwnAction)) };
    case 'not':
      return { kind: 'not', term: withoutHidden(search.term, isOwnAction) };
    case 'range':
      return search.field === 'seq' ? nothing : search;
    case 'is':
    case 'prefix':
    case 'present':
      return { all: search, own: { kind: 'and' as const, terms: [isOwnAction, search] }, none: nothing }[
        shownOfField(search.field)
      ];
    case 'every':
    case 'words':
      return search;
  }
}
