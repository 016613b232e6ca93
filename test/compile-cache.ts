/**
 * What makes programs that tests start cheap.
 *
 * Where they keep compiled code: most of them get a home of their own, and would compile everything
 * anew each time, which is half of what a start costs; a user's do that once.
 *
 * And a small young generation: an agent of a test lives for seconds, and fresh pages cost it more than
 * collecting early, once when they are touched first and again with every child, since a fork copies
 * the tables of all of them.
 */
import { fileURLToPath } from 'node:url'

const place = fileURLToPath(new URL('../node_modules/.cache', import.meta.url))

/** For Node; also the workers that run the tests have it. */
export const YOUNG_GENERATION = '--max-semi-space-size=4'

/** For the environment of `bzzz`, which keeps its own below. */
export const compileCache = { XDG_CACHE_HOME: place, NODE_OPTIONS: YOUNG_GENERATION }

/** For that of any other program of ours. */
export const nodeCompileCache = { NODE_COMPILE_CACHE: `${place}/bzzz/compile` }
