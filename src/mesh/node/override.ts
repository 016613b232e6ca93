/**
 * An object of libp2p with some of its methods replaced, for one user of it. Everything else is the
 * object's own; its methods run on the object itself, for the sake of private fields.
 */
export function override<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(of, key) {
      if (Object.hasOwn(replaced, key)) return Reflect.get(replaced, key)
      const value: unknown = Reflect.get(of, key)
      // A function that is a property, such as a logger, may have properties, too.
      return typeof value === 'function' && !Object.hasOwn(of, key) ? value.bind(of) : value
    },
  })
}
