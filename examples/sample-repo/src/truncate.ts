/** `text` cut to `max` characters, with `ellipsis` (default "…") at its end when something is missing. */
export function truncate(text: string, max: number, ellipsis = '…'): string {
  if (text.length <= max) return text
  return text.slice(0, max).trimEnd() + ellipsis
}
