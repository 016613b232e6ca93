/** Cuts text to at most `maxBytes` of UTF-8, between characters; the start is kept. Pure. */
export function cutText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const mark = '…'
  const room = Math.max(0, maxBytes - Buffer.byteLength(mark))
  let cut = Buffer.from(text).subarray(0, room).toString()
  // Half a character at the end became a replacement character.
  while (cut.endsWith('\uFFFD')) cut = cut.slice(0, -1)
  return `${cut}${mark}`
}
