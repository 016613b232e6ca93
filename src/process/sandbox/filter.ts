/**
 * The system call filter of a sandbox as a classic BPF program: what no work needs and what gets round
 * the other walls. It is the second wall in a bubblewrap sandbox and the only one against sockets in
 * a Landlock one.
 *
 * Denied always: mounts and namespaces of its own (a new user namespace gives all capabilities and
 * with them most of the kernel's past holes), kernel keys and modules, BPF, io_uring (it makes sockets
 * without the call that is filtered), opening by handle, pushing keys into a terminal. clone3 is
 * answered as unknown, since its flags are out of a filter's sight; libraries then use clone.
 *
 * Reserving space of a disk, by fallocate or by the ioctl of XFS that the kernel answers for every file
 * system, is answered as not supported: one call takes all that is free, past the limit of a file's
 * size, before anybody can look. Libraries then write.
 *
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux 6.
 * Layout: `struct seccomp_data` and `struct sock_filter` (linux/seccomp.h, linux/filter.h).
 */

/**
 * `namespace`: the sandbox has a network of its own or the host's on purpose; families that no
 * namespace holds (vsock, packet and others) stay denied. `none`: only pairs.
 * `unix`: stream sockets of the file system. `tcp`: these and TCP, whose ports Landlock restricts.
 */
export type FilterSockets = 'namespace' | 'none' | 'unix' | 'tcp'

export interface FilterInit {
  arch: string
  sockets: FilterSockets
  /** Deny changing limits of other processes, where these can be seen. */
  shared: boolean
}

const AUDIT_ARCH: Record<string, number> = { x64: 0xc000003e, arm64: 0xc00000b7 }
const ERRNO = 0x00050000
const ALLOW = 0x7fff0000
const EPERM = 1
const EACCES = 13
const ENOSYS = 38
const EOPNOTSUPP = 95
const X32_BIT = 0x40000000
const CLONE_NEWUSER = 0x10000000
const MSG_FASTOPEN = 0x20000000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c
/** FS_IOC_RESVSP, FS_IOC_RESVSP64 and FS_IOC_ZERO_RANGE of include/uapi/linux/falloc.h. */
const RESERVE = [0x40305828, 0x4030582a, 0x40305839]

/** Name to numbers: x64, arm64. */
const DENIED: Record<string, readonly [number, number]> = {
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  setns: [308, 268],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  open_by_handle_at: [304, 265],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  acct: [163, 89],
  quotactl: [179, 60],
  syslog: [103, 116],
  vhangup: [153, 58],
}

const CALLS = {
  clone: [56, 220],
  clone3: [435, 435],
  unshare: [272, 97],
  ioctl: [16, 29],
  fallocate: [285, 47],
  prlimit64: [302, 261],
  socket: [41, 198],
  sendto: [44, 206],
  sendmsg: [46, 211],
  sendmmsg: [307, 269],
} as const

type Instruction = [code: number, jt: number, jf: number, k: number]

const LD = 0x20
const AND = 0x54
const JEQ = 0x15
const JGE = 0x35
const JSET = 0x45
const RET = 0x06

const load = (offset: number): Instruction => [LD, 0, 0, offset]
const ret = (value: number): Instruction => [RET, 0, 0, value]
const errno = (code: number) => ret(ERRNO | code)
const NR = 0
const ARCH = 4
const arg = (index: number) => 16 + 8 * index

/** Runs `body` only for call `nr`; a body that does not return falls through. */
const when = (nr: number, body: Instruction[]): Instruction[] => [
  load(NR),
  [JEQ, 0, body.length, nr],
  ...body,
]

/** Denied when any bit of `mask` is set in the argument's lower half. */
const unlessClear = (index: number, mask: number, code: number): Instruction[] => [
  load(arg(index)),
  [JSET, 0, 1, mask],
  errno(code),
]

/** Denied unless the argument, masked, is one of the values. */
function unlessOneOf(index: number, values: number[], code: number, mask = 0xffffffff) {
  const body: Instruction[] = [load(arg(index)), [AND, 0, 0, mask]]
  values.forEach((value, at) => body.push([JEQ, values.length - at, 0, value]))
  body.push(errno(code))
  return body
}

/** Where a family may be used: only these types and protocols, or any. */
interface Family {
  family: number
  types?: number[]
  protocols?: number[]
}

const TYPE_MASK = 0xf
const STREAM = 1
/** Only to ask for the machine's addresses, which many programs do at their start. */
const ROUTE: Family = { family: 16, protocols: [0] }
const UNIX: Family = { family: 1 }
const UNIX_STREAM: Family = { family: 1, types: [STREAM] }
/** Not MPTCP (262) or SCTP (132), which Landlock's rules of ports do not see. */
const tcp = (family: number): Family => ({ family, types: [STREAM], protocols: [0, 6] })

const FAMILIES: Record<FilterSockets, Family[]> = {
  namespace: [UNIX, { family: 2 }, { family: 10 }, ROUTE],
  none: [ROUTE],
  unix: [UNIX_STREAM, ROUTE],
  tcp: [UNIX_STREAM, tcp(2), tcp(10), ROUTE],
}

function socketRules(sockets: FilterSockets, socket: number): Instruction[] {
  const families = FAMILIES[sockets].flatMap(({ family, types, protocols }) => {
    const body = [
      ...(types === undefined ? [] : unlessOneOf(1, types, EACCES, TYPE_MASK)),
      ...(protocols === undefined ? [] : unlessOneOf(2, protocols, EACCES)),
      ret(ALLOW),
    ]
    return [load(arg(0)), [JEQ, 0, body.length, family] satisfies Instruction, ...body]
  })
  return when(socket, [...families, errno(EACCES)])
}

/** The program, for `seccomp(2)` and `bwrap --seccomp`; undefined for an architecture that is not known. */
export function systemCallFilter({ arch, sockets, shared }: FilterInit): Buffer | undefined {
  const audit = AUDIT_ARCH[arch]
  if (audit === undefined) return undefined
  const pick = ([x64, arm64]: readonly [number, number]) => (arch === 'x64' ? x64 : arm64)
  const call = (name: keyof typeof CALLS) => pick(CALLS[name])
  const denied = Object.values(DENIED).flatMap((numbers) => when(pick(numbers), [errno(EPERM)]))
  const fastOpen = (name: 'sendto' | 'sendmsg' | 'sendmmsg', index: number) =>
    when(call(name), unlessClear(index, MSG_FASTOPEN, EACCES))
  const program: Instruction[] = [
    load(ARCH),
    [JEQ, 1, 0, audit],
    errno(ENOSYS),
    load(NR),
    ...(arch === 'x64' ? ([[JGE, 0, 1, X32_BIT], errno(ENOSYS)] satisfies Instruction[]) : []),
    ...when(call('clone3'), [errno(ENOSYS)]),
    ...when(call('clone'), unlessClear(0, CLONE_NEWUSER, EPERM)),
    ...when(call('unshare'), unlessClear(0, CLONE_NEWUSER, EPERM)),
    ...when(call('ioctl'), [
      load(arg(1)),
      [JEQ, 1, 0, TIOCSTI],
      [JEQ, 0, 1, TIOCLINUX],
      errno(EPERM),
      ...RESERVE.flatMap((request): Instruction[] => [
        load(arg(1)),
        [JEQ, 0, 1, request],
        errno(EOPNOTSUPP),
      ]),
    ]),
    ...when(call('fallocate'), [errno(EOPNOTSUPP)]),
    ...(shared ? when(call('prlimit64'), unlessOneOf(0, [0], EPERM)) : []),
    ...socketRules(sockets, call('socket')),
    // Connects without the call that Landlock sees.
    ...(sockets === 'tcp'
      ? [...fastOpen('sendto', 3), ...fastOpen('sendmsg', 2), ...fastOpen('sendmmsg', 3)]
      : []),
    ...denied,
    ret(ALLOW),
  ]
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(([code, jt, jf, k], index) => {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(jt, index * 8 + 2)
    bytes.writeUInt8(jf, index * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4)
  })
  return bytes
}
