/** Nested values by path, without touching a prototype whatever the keys are called. */
export type Tree = { [key: string]: unknown }

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function getAt(tree: unknown, path: string): unknown {
  let at: unknown = tree
  for (const key of path.split('.')) {
    if (!isTree(at) || !Object.hasOwn(at, key)) return undefined
    at = at[key]
  }
  return at
}

/** Sets a value whose path is that of a known option. */
export function setAt(tree: Tree, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop() ?? path
  let at = tree
  for (const key of keys) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined
    const inner: Tree = isTree(next) ? next : {}
    at[key] = inner
    at = inner
  }
  at[last] = value
}

/** `["work", "executors", 0, "kind"]` → `work.executors[0].kind`; odd keys are quoted and cut. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      const name = String(key)
      const safe = /^[\w$.-]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64))
      return index === 0 ? safe : `.${safe}`
    })
    .join('')
}
