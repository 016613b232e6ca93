// Written by scripts/sync-exports.mjs.
export { camelCase, kebabCase } from './case.ts'
export { parseDuration } from './parse-duration.ts'
export { slugify } from './slugify.ts'
export { mean, median } from './stats.ts'
export { truncate } from './truncate.ts'
