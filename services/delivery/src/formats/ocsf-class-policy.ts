import type { SentEvent } from '../batches/batch-encoding.ts';

/** A class of OCSF 1.4.0, as far as it is used here. */
export interface OcsfClass {
  readonly uid: 3001 | 3002 | 3004 | 6003;
  readonly name: string;
  readonly categoryUid: 3 | 6;
  readonly categoryName: string;
  /** Captions of the activities that the class defines; 99 is another one, named by the event's action. */
  readonly activities: Readonly<Record<number, string>>;
}

const identity = { categoryUid: 3, categoryName: 'Identity & Access Management' } as const;
const crud = { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' } as const;

const accountChange: OcsfClass = {
  uid: 3001,
  name: 'Account Change',
  ...identity,
  activities: {
    1: 'Create',
    2: 'Enable',
    3: 'Password Change',
    4: 'Password Reset',
    5: 'Disable',
    6: 'Delete',
    9: 'Lock',
    10: 'MFA Factor Enable',
    11: 'MFA Factor Disable',
    12: 'Unlock',
  },
};
export const authentication: OcsfClass = {
  uid: 3002,
  name: 'Authentication',
  ...identity,
  activities: { 1: 'Logon', 2: 'Logoff' },
};
const entityManagement: OcsfClass = { uid: 3004, name: 'Entity Management', ...identity, activities: crud };
const apiActivity: OcsfClass = {
  uid: 6003,
  name: 'API Activity',
  categoryUid: 6,
  categoryName: 'Application Activity',
  activities: crud,
};

const classes: Readonly<Record<string, OcsfClass>> = {
  authentication,
  account: accountChange,
  access: entityManagement,
  entity: entityManagement,
  configuration: entityManagement,
};

/**
 * The class of an event, by its category. An entity is what 3004 is about, so an event that acts upon nothing in particular is API activity, as is
 * everything that concerns data, or that no category tells more of.
 */
export function ocsfClassOf({ category = 'other', resources = [] }: SentEvent): OcsfClass {
  const chosen = classes[category] ?? apiActivity;
  return chosen === entityManagement && resources.length === 0 ? apiActivity : chosen;
}

export const otherActivity = 99;

/** The activity_id; 99 where the class has no name for it. */
export function activityOf({ uid }: OcsfClass, { action, operation = 'other' }: SentEvent): number {
  switch (uid) {
    case 3001:
      return firstMatch(accountActivities, action) ?? accountOperations[operation] ?? otherActivity;
    case 3002:
      return firstMatch(authenticationActivities, action) ?? otherActivity;
    case 3004:
    case 6003:
      return operations[operation] ?? otherActivity;
  }
}

const operations: Readonly<Record<string, number>> = { create: 1, read: 2, update: 3, delete: 4 };
const accountOperations: Readonly<Record<string, number>> = { create: 1, delete: 6 };

type Patterns = readonly (readonly [RegExp, number])[];

/** The first that matches counts, so the narrower one goes first. */
const accountActivities: Patterns = [
  [/password.*reset|reset.*password/, 4],
  [/password.*(chang|updat)|(chang|updat).*password/, 3],
  [/(mfa|2fa|totp).*(disabl|remov|delet)/, 11],
  [/(mfa|2fa|totp).*(enabl|enroll|add|creat)/, 10],
  [/unlock/, 12],
  [/(?<![a-z])lock/, 9],
  [/disabl|deactivat|suspend/, 5],
  [/enabl|activat/, 2],
];

const authenticationActivities: Patterns = [
  [/(?<![a-z])(log|sign|logged|signed)[_-]?(out|off)(?![a-z])/, 2],
  [/(?<![a-z])(log|sign|logged|signed)[_-]?(in|on)(?![a-z])/, 1],
];

function firstMatch(patterns: Patterns, action: string): number | undefined {
  return patterns.find(([pattern]) => pattern.test(action))?.[1];
}
