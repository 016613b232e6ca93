/**
 * Where programs that tests start keep compiled code: most of them get a home of their own, and would
 * compile everything anew each time, which is half of what a start costs; a user's do that once.
 */
import { fileURLToPath } from 'node:url'

const place = fileURLToPath(new URL('../node_modules/.cache', import.meta.url))

/** For the environment of `bzzz`, which keeps its own below. */
export const compileCache = { XDG_CACHE_HOME: place }

/** For that of any other program of ours. */
export const nodeCompileCache = { NODE_COMPILE_CACHE: `${place}/bzzz/compile` }
