/**
 * The filter of system calls within a container: the engine has one of its own, but that lets a child
 * reserve all of the disk with one call, and engines differ. A container is not started by us, so perl
 * of the image loads it, where there is one; a filter needs no rights once no new ones can be had.
 */
import { systemCallFilter } from '../filter.ts'

/** prctl(2). */
const PRCTL: Record<string, number> = { x64: 157, arm64: 167 }

/** PR_SET_SECCOMP, SECCOMP_MODE_FILTER. */
const LOAD = `my ($call, $hex) = splice @ARGV, 0, 2;
my $code = pack "H*", $hex;
my $program = pack "S x6 P", length($code) / 8, $code;
syscall($call + 0, 22, 2, $program, 0, 0) == 0 or die "The system calls could not be filtered: $!\\n";
exec { $ARGV[0] } @ARGV or print STDERR "$ARGV[0] could not be started: $!\\n";
exit($!{ENOENT} ? 127 : 126);`

const SCRIPT = `load=$1; shift
command -v perl >/dev/null && exec perl -MErrno -e "$load" -- "$@"
shift 2; exec "$@"`

/** The command with the filter before it; as it is on architectures that are not known. */
export function filtered(command: readonly string[], arch: string): string[] {
  const filter = systemCallFilter({ arch, sockets: 'namespace', shared: false })
  const call = PRCTL[arch]
  if (filter === undefined || call === undefined) return [...command]
  return ['/bin/sh', '-c', SCRIPT, 'sh', LOAD, String(call), filter.toString('hex'), ...command]
}
