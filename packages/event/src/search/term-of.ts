import { canonicalBlock } from './ip-block.ts';
import {
  fieldDeclaration,
  isMetadataField,
  type FieldName,
  type MetadataField,
  type ScalarField,
  type ValueField,
} from './search-fields.ts';
import { boundTerm, timeTerm, seqTerm } from './range-terms.ts';
import { wrong, type TermContext, type TermResult, type WrittenValue } from './written-value.ts';

/** The meaning of one value of one field. */
export function termOf(field: FieldName | MetadataField, value: WrittenValue, context: TermContext): TermResult {
  if (isMetadataField(field)) return textTerm(field, value);
  switch (field) {
    case 'since':
    case 'until':
      return boundTerm(field, value, context.nowMicros);
    case 'occurred_at':
    case 'received_at':
      return timeTerm(field, value, context.nowMicros);
    case 'seq':
      return seqTerm(value);
    case 'ip':
      return addressTerm(value);
    case 'resource':
      return resourceTerm(value);
    case 'action':
      return actionTerm(value);
    case 'category':
    case 'operation':
    case 'outcome':
    case 'severity':
    case 'status':
      return choiceTerm(field, value, context);
    case 'actor_id':
    case 'actor_type':
    case 'on_behalf_of_id':
    case 'on_behalf_of_type':
    case 'resource_type':
    case 'resource_id':
    case 'service':
    case 'session_id':
    case 'request_id':
    case 'trace_id':
      return textTerm(field, value);
  }
}

function textTerm(field: ValueField, { text, isPrefix, comparison }: WrittenValue): TermResult {
  if (comparison !== null) return wrong(`has no order; quote the value if it begins with ${comparison}`);
  if (text === '') return isPrefix ? { ok: true, term: { kind: 'present', field } } : noValue(field);
  return {
    ok: true,
    term: isPrefix ? { kind: 'prefix', field, text } : { kind: 'is', field, values: [text] },
  };
}

function noValue(field: string): TermResult {
  return wrong(`has no value; events without one are found by -${field}:*`);
}

function actionTerm(value: WrittenValue): TermResult {
  if (/[^a-z0-9_.-]/.test(value.text)) {
    return wrong('is a dotted lower-case name, or the beginning of one with * at its end');
  }
  return textTerm('action', value);
}

function resourceTerm(value: WrittenValue): TermResult {
  const isPair = /^[A-Za-z0-9_.-]{1,64}:/.test(value.text);
  const isWhole = value.isPrefix || !value.text.endsWith(':') || value.text.indexOf(':') < value.text.length - 1;
  if (value.text !== '' && !(isPair && isWhole)) return wrong('is written type:id, or type:* for every id');
  return textTerm('resource', value);
}

function addressTerm({ text, isPrefix, comparison }: WrittenValue): TermResult {
  if (text === '' && isPrefix) return { ok: true, term: { kind: 'present', field: 'ip' } };
  const block = isPrefix || comparison !== null ? null : canonicalBlock(text);
  if (block === null) return wrong('is an IPv4 or IPv6 address, or a block such as 203.0.113.0/24');
  return { ok: true, term: { kind: 'is', field: 'ip', values: [block] } };
}

function choiceTerm(field: ScalarField, value: WrittenValue, { statuses }: TermContext): TermResult {
  const { kind, choices = [] } = fieldDeclaration(field);
  const allowed: readonly string[] = field === 'status' ? statuses : choices;
  if (allowed.length === 0) return wrong('cannot be asked for here');
  const { text, isPrefix, comparison } = value;
  if (isPrefix && text === '' && comparison === null) {
    return {
      ok: true,
      term: field === 'status' ? { kind: 'is', field, values: allowed } : { kind: 'present', field },
    };
  }
  if (isPrefix || !allowed.includes(text)) return wrong(`is one of ${allowed.join(', ')}`);
  if (comparison === null) return { ok: true, term: { kind: 'is', field, values: [text] } };
  if (kind !== 'scale') return wrong('has no order');
  const at = allowed.indexOf(text);
  const values = comparison.startsWith('>')
    ? allowed.slice(comparison === '>' ? at + 1 : at)
    : allowed.slice(0, comparison === '<' ? at : at + 1);
  return values.length === 0
    ? wrong(`has nothing ${comparison === '>' ? 'above' : 'below'} ${text}`)
    : { ok: true, term: { kind: 'is', field, values } };
}
