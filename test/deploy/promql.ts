import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** One metric that an expression asks for. */
export interface Asked {
  readonly metric: string;
  /** What selects its series. */
  readonly matchers: readonly Matcher[];
  /** The function that it is an argument of, such as rate; empty for none. */
  readonly inFunction: string;
}

export interface Expression {
  /** What Prometheus' own grammar does not understand. */
  readonly errors: readonly string[];
  readonly asked: readonly Asked[];
  /** Labels of all `by (…)`; undefined: nothing is aggregated, so every series keeps its labels. */
  readonly groupedBy: readonly string[] | undefined;
}

/** Reads an expression with the grammar of Prometheus' own editor. Grafana's interval stands for a time. */
export function readPromql(text: string): Expression {
  const source = text.replaceAll('$__rate_interval', '5m');
  const of = ({ from, to }: { from: number; to: number }): string => source.slice(from, to);
  const errors: string[] = [];
  const asked: Asked[] = [];
  let groupedBy: string[] | undefined;
  parser.parse(source).iterate({
    enter: ({ node }) => {
      if (node.type.isError) errors.push(`at ${node.from}: ${source.slice(node.from, node.from + 20)}`);
      if (node.name === 'AggregateExpr') groupedBy ??= [];
      if (node.name === 'GroupingLabels') groupedBy?.push(...node.getChildren('LabelName').map(of));
      const identifier = node.name === 'VectorSelector' ? node.getChild('Identifier') : null;
      if (identifier === null) return;
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      asked.push({
        metric: of(identifier),
        matchers: matchers.map((matcher) => matcherOf(matcher, of)),
        inFunction: functionAround(node, of),
      });
    },
  });
  return { errors, asked, groupedBy };
}

function matcherOf(node: SyntaxNode, of: (node: SyntaxNode) => string): Matcher {
  const [label = '', operator = '', value = ''] = ['LabelName', 'MatchOp', 'StringLiteral'].map((part) =>
    node.getChildren(part).map(of).join(''),
  );
  return { label, operator, value: value.slice(1, -1) };
}

function functionAround(node: SyntaxNode, of: (node: SyntaxNode) => string): string {
  const call = node.parent?.name === 'MatrixSelector' ? node.parent.parent?.parent : node.parent?.parent;
  const name = call?.name === 'FunctionCall' ? call.getChild('FunctionIdentifier') : null;
  return name === null ? '' : of(name);
}
