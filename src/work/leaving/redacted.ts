/** A copy of plain data in which every text went through `clean`; the keys stay. */
export function redacted<T>(value: T, clean: (text: string) => string): T {
  if (typeof value === 'string') return clean(value) as T
  if (Array.isArray(value)) return value.map((one: unknown) => redacted(one, clean)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => [
    key,
    redacted(inner, clean),
  ])
  return Object.fromEntries(entries) as T
}
