/** The fenced code blocks of a Markdown text that are marked with the language, in order, without their fences. */
export function codeBlocks(markdown: string, language: string): string[] {
  const blocks = markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, marked, code]) => (marked === language && code !== undefined ? [code] : []));
}

/** The targets that the shell blocks of a Markdown text ask make for. */
export function makeTargets(markdown: string): string[] {
  const lines = codeBlocks(markdown, 'sh').flatMap((block) => block.split('\n'));
  return lines.flatMap((line) => /^make ([a-z-]+)/.exec(line)?.[1] ?? []);
}
