import type { EventInput, MetadataValue, Resource } from './event-input.ts';

/** What an application says once of an action that it records. */
export interface ActionDeclaration extends Pick<EventInput, 'category' | 'operation' | 'severity'> {
  /** The types of resources that it acts upon: every event then has to say which, and only of these types. Left out: any, or none. */
  readonly resources?: readonly string[] | undefined;
  /** The keys that its metadata may have. Left out: any. */
  readonly metadata?: readonly string[] | undefined;
}

/** The declarations of an application by the names of its actions. */
export type ActionCatalogue = Readonly<Record<string, ActionDeclaration>>;

/** The events that a catalogue allows: a mistake in an action, a resource's type or a metadata key does not compile. */
export type EventOf<C extends ActionCatalogue> = {
  [A in keyof C & string]: Omit<EventInput, 'action' | 'category' | 'operation' | 'resources' | 'metadata'> & {
    action: A;
  } & ResourcesOf<C[A]> &
    MetadataOf<C[A]>;
}[keyof C & string];

type ResourcesOf<D> = D extends { resources: readonly (infer T extends string)[] }
  ? { resources: (Resource & { type: T })[] }
  : { resources?: Resource[] | undefined };

type MetadataOf<D> = D extends { metadata: readonly (infer K extends string)[] }
  ? { metadata?: { [Key in K]?: MetadataValue } | undefined }
  : { metadata?: EventInput['metadata'] };

const actionPattern = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const actionCharsMax = 128;

/**
 * The catalogue of an application's actions, for the option `actions`: one place to read them, and to keep them stable.
 * Throws TypeError for a name that no event may have.
 */
export function defineActions<const C extends ActionCatalogue>(catalogue: C): C {
  for (const name of Object.keys(catalogue)) {
    if (!actionPattern.test(name) || name.length > actionCharsMax)
      throw new TypeError(
        `defineActions: ${name} is no dotted lower-case name of at most ${actionCharsMax} characters`,
      );
    if (name.startsWith('docket.')) throw new TypeError(`defineActions: ${name} is reserved for Docket's own events`);
  }
  return Object.freeze(catalogue);
}

/** The event with what its action's declaration says of it, where it does not say otherwise itself. */
export function declaredEvent(catalogue: ActionCatalogue | undefined, input: EventInput): EventInput {
  const declared =
    catalogue !== undefined && Object.hasOwn(catalogue, input.action) ? catalogue[input.action] : undefined;
  if (declared === undefined) return input;
  const { category, operation, severity } = declared;
  return {
    ...input,
    category: input.category ?? category,
    operation: input.operation ?? operation,
    severity: input.severity ?? severity,
  };
}
