/** A GitHub Markdown table. Cells are Markdown of one line; a `|` in them is escaped here. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly ('left' | 'right')[] = [],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`;
  const rule = header.map((_, column) => (align[column] === 'right' ? '---:' : '---'));
  return `${[line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')}\n`;
}

/** Text as inline code, whatever backticks it holds (CommonMark, "Code spans"). */
export function codeSpan(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const padding = /^`|`$|^ .*[^ ].* $/.test(text) ? ' ' : '';
  return `${fence}${padding}${text}${padding}${fence}`;
}

/** Plain text in which nothing is read as Markdown or HTML. */
export function plainText(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#&~]/g, '\\$&').replace(/\s*\n\s*/g, ' ');
}
