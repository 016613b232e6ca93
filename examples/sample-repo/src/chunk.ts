/** `list` cut into lists of `size` items. */
export function chunk<T>(list: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let start = 0; start + size <= list.length; start += size) {
    chunks.push(list.slice(start, start + size))
  }
  return chunks
}
