// SPDX-License-Identifier: MIT

/**
 * A part of a URL made of `text`: lower case, with `separator` (default "-") between the words.
 */
export function slugify(text: string, separator = '-'): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, separator)
}
