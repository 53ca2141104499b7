import { eventSchema, stampSchema } from './audit-event.ts';

/** The part of JSON Schema, with our own `x-` keywords, that the declaration in audit-event.ts uses. */
export interface FieldDeclaration {
  readonly type?: 'object' | 'array' | 'string' | 'integer';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FieldDeclaration>>;
  readonly required?: readonly string[];
  readonly items?: FieldDeclaration;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly propertyNames?: { readonly pattern: string };
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-bytesMax'?: number;
  readonly 'x-format'?: 'uuid' | 'date-time' | 'ip';
  readonly 'x-metadata'?: true;
}

/** `eventSchema` as data to walk. */
export const eventDeclaration = eventSchema as unknown as FieldDeclaration;

/** `stampSchema` as data to walk. */
export const stampDeclaration = stampSchema as unknown as FieldDeclaration;
