/**
 * The framed output of a container without a terminal: a byte for the stream (1 stdout, 2 stderr), three of
 * zero, four of length (big endian), the bytes. Frames come in any pieces.
 */
const HEADER = 8

export function createFrames(
  write: (stream: 'stdout' | 'stderr', chunk: Buffer) => void,
): (chunk: Buffer) => void {
  let header = Buffer.alloc(0)
  let left = 0
  let stream: 'stdout' | 'stderr' = 'stdout'
  return (chunk) => {
    let rest = chunk
    while (rest.length > 0) {
      if (left === 0) {
        const part = rest.subarray(0, HEADER - header.length)
        header = Buffer.concat([header, part])
        rest = rest.subarray(part.length)
        if (header.length < HEADER) return
        stream = header[0] === 2 ? 'stderr' : 'stdout'
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        continue
      }
      const part = rest.subarray(0, left)
      write(stream, part)
      left -= part.length
      rest = rest.subarray(part.length)
    }
  }
}
