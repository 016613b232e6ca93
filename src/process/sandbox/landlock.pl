# Starts a program in a Landlock domain and stays as its keeper.
#
#   perl landlock.pl abi
#   perl landlock.pl parent=PID uid=N read=PATH write=PATH … seccomp=HEX -- PROGRAM ARGUMENT …
#
# Perl because it can make system calls, is part of every Debian (perl-base), and starts in a few ms.
# The keeper is outside of the domain and adopts whatever the program's processes orphan, so that
# nothing of them can leave it: when the program ends, or SIGUSR1 or the end of the agent says so, it ends
# them all before it ends itself. It ignores TERM, which the program's group gets.
#
# Sources: include/uapi/linux/{landlock,prctl,seccomp,capability}.h; Landlock's calls have the same
# numbers on x86-64 and arm64.
use strict;
use warnings;
no warnings 'portable';
use POSIX ();
use Socket ();

my ($CREATE, $ADD, $RESTRICT) = (444, 445, 446);
my $arm = (POSIX::uname())[4] eq 'aarch64';
my ($PRCTL, $PRLIMIT, $CAPSET) = $arm ? (167, 261, 91) : (157, 302, 126);
my ($PDEATHSIG, $SECCOMP, $KEEPCAPS, $NO_NEW_PRIVS, $SUBREAPER, $AMBIENT) = (1, 22, 8, 38, 36, 47);
my %LIMIT = (data => 2, core => 4, nproc => 6, nofile => 7, fsize => 1);
my ($DAC_OVERRIDE, $DAC_READ_SEARCH) = (1, 2);
# Between TERM and KILL for what the program left behind, s.
my $LEFTOVER = 0.5;
# For processes to go after KILL, s: longer only if the kernel holds them.
my $HELD = 10;

my ($EXECUTE, $WRITE_FILE, $READ_FILE, $READ_DIR, $TRUNCATE, $IOCTL) = (1, 2, 4, 8, 1 << 14, 1 << 15);
my $FILE = $EXECUTE | $WRITE_FILE | $READ_FILE | $TRUNCATE | $IOCTL;
# Making devices.
my $DEVICES = 1 << 6 | 1 << 11;
my $READ = $EXECUTE | $READ_FILE | $READ_DIR;

my $abi = syscall($CREATE, 0, 0, 1);
if (@ARGV == 1 && $ARGV[0] eq 'abi') { print $abi > 0 ? $abi : 0, "\n"; exit 0 }

my (%one, %many);
while (@ARGV) {
  my $word = shift @ARGV;
  last if $word eq '--';
  my ($key, $value) = split /=/, $word, 2;
  $one{$key} = $value;
  push @{ $many{$key} }, $value;
}
fail('there is no Landlock in this kernel') if $abi < 1;

sub fail { print STDERR "The sandbox could not be made: $_[0].\n"; exit 125 }
sub prctl { my ($option, @rest) = @_; push @rest, 0 while @rest < 4; syscall($PRCTL, $option, map { ref $_ ? $$_ : $_ + 0 } @rest) }

prctl($PDEATHSIG, POSIX::SIGUSR1()) == 0 or fail("prctl: $!");
exit 1 if $one{parent} && getppid() != $one{parent};
prctl($SUBREAPER, 1) == 0 or fail("prctl: $!");
put('/proc/self/oom_score_adj', $one{oom}) if $one{oom};
own($_) for $one{uid} ? @{ $many{write} || [] } : ();
forwarder() if $one{proxy};

my $ending = 0;
$SIG{USR1} = sub { $ending = 1; killAll('KILL') };
$SIG{$_} = 'IGNORE' for qw(TERM INT HUP);
my $main = fork;
fail("fork: $!") unless defined $main;
if ($main == 0) { $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP USR1); confine(); run() }
keep();

sub put { my ($path, $text) = @_; if (open(my $file, '>', $path)) { print $file $text; close $file } }

# The first time a task's directories are given to the user of its sandbox. Links are not followed.
sub own {
  my ($path) = @_;
  my @stat = lstat $path or return;
  return if $stat[4] == $one{uid};
  system('chown', '-Rh', "$one{uid}:$one{uid}", '--', $path) == 0 or fail("chown $path");
}

# Listens for the program, which cannot, and leaves the rest to forward.ts outside of the domain.
sub forwarder {
  socket(my $server, Socket::PF_INET(), Socket::SOCK_STREAM(), 0) or fail("socket: $!");
  bind($server, Socket::sockaddr_in(0, Socket::INADDR_LOOPBACK())) or fail("bind: $!");
  listen($server, 128) or fail("listen: $!");
  my ($port) = Socket::sockaddr_in(getsockname $server);
  $one{port} = $port;
  $ENV{$_} = "http://127.0.0.1:$port" for qw(HTTP_PROXY HTTPS_PROXY http_proxy https_proxy);
  $ENV{NODE_USE_ENV_PROXY} = 1;
  defined(my $pid = fork) or fail("fork: $!");
  if ($pid) { $one{forwarder} = $pid; close $server; return }
  POSIX::dup2(fileno $server, 3);
  # Not closed by exec, also when it was 3 before: F_SETFD.
  if (open(my $third, '<&=', 3)) { fcntl($third, 2, 0) }
  silence();
  prctl($PDEATHSIG, 9);
  exec { $one{node} } $one{node}, $one{forward}, 'fd', $one{proxy} or 1;
  POSIX::_exit(126);
}

sub silence {
  open(STDIN, '<', '/dev/null');
  open(STDOUT, '>', '/dev/null');
  open(STDERR, '>', '/dev/null');
}

sub children {
  my @found;
  opendir(my $proc, '/proc') or return;
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    open(my $file, '<', "/proc/$pid/stat") or next;
    my $line = <$file>;
    next unless defined $line && $line =~ /.*\) \S (\d+)/s;
    push @found, $pid if $1 == $$;
  }
  return @found;
}

# Whatever loses its parent becomes a child of this process, until there is none.
sub killAll { kill $_[0], children() }

sub keep {
  silence();
  $0 = 'bzzz-keeper';
  my $status;
  until (defined $status) {
    my $pid = waitpid(-1, 0);
    $status = $? if $pid == $main;
    killAll('KILL') if $ending;
    last if $pid == -1 && !$!{EINTR};
  }
  kill 'KILL', $one{forwarder} if $one{forwarder};
  my $waited = 0;
  killAll('TERM') unless $ending;
  while (1) {
    my $pid = waitpid(-1, POSIX::WNOHANG());
    last if $pid == -1 || $waited > $HELD;
    next if $pid > 0;
    killAll('KILL') if $ending || $waited >= $LEFTOVER;
    select(undef, undef, undef, 0.01);
    $waited += 0.01;
  }
  $status = 1 << 8 unless defined $status;
  if (my $signal = $status & 127) {
    $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP USR1);
    prctl(4, 0);
    kill $signal, $$;
  }
  exit($status >> 8);
}

sub confine {
  prctl($NO_NEW_PRIVS, 1) == 0 or fail("no_new_privs: $!");
  limit($_, $one{$_}) for grep { defined $one{$_} } qw(data nofile fsize nproc);
  limit('core', 0);
  identity() if $one{uid};
  my $fs = $abi >= 5 ? (1 << 16) - 1 : $abi >= 3 ? (1 << 15) - 1 : $abi == 2 ? (1 << 14) - 1 : (1 << 13) - 1;
  my $net = $abi >= 4 && !$one{host} ? 3 : 0;
  my $scoped = $abi >= 6 ? 3 : 0;
  my $attr = pack('Q3', $fs, $net, $scoped);
  my $size = $abi >= 6 ? 24 : $abi >= 4 ? 16 : 8;
  my $rules = syscall($CREATE, $attr, $size, 0);
  fail("landlock_create_ruleset: $!") if $rules < 0;
  allow($rules, $_, $READ & $fs) for @{ $many{read} || [] }, '/proc/self';
  allow($rules, $_, ($READ_FILE | $WRITE_FILE | $IOCTL | $TRUNCATE) & $fs) for @{ $many{device} || [] };
  allow($rules, $_, $fs & ~$DEVICES) for @{ $many{write} || [] };
  if ($one{port}) {
    my $port = pack('Q2', 2, $one{port});
    syscall($ADD, $rules, 2, $port, 0) == 0 or fail("landlock_add_rule: $!");
  }
  syscall($RESTRICT, $rules, 0) == 0 or fail("landlock_restrict_self: $!");
  POSIX::close($rules);
  my $code = pack('H*', $one{seccomp});
  my $program = pack('S x6 P', length($code) / 8, $code);
  syscall($PRCTL, $SECCOMP, 2, $program, 0, 0) == 0 or fail("seccomp: $!");
}

sub limit {
  my ($name, $value) = @_;
  my $pair = pack('Q2', $value, $value);
  # As an unprivileged user a hard limit can only be lowered; a lower one stands.
  my $old = pack('Q2', 0, 0);
  syscall($PRLIMIT, 0, $LIMIT{$name}, 0, $old);
  my ($soft, $hard) = unpack('Q2', $old);
  $value = $hard if $value > $hard;
  $pair = pack('Q2', $value, $value);
  syscall($PRLIMIT, 0, $LIMIT{$name}, $pair, 0) == 0 or fail("limit of $name: $!");
}

# From root to the user of this sandbox. The directories of an agent are closed to others: then it keeps
# the capability to pass them, and Landlock says what may be opened.
sub identity {
  my $uid = $one{uid};
  my $closed = grep { closed($_) } @{ $many{write} || [] };
  prctl($KEEPCAPS, 1);
  $( = $uid;
  $) = "$uid $uid";
  POSIX::setgid($uid);
  POSIX::setuid($uid);
  fail("setuid: $!") unless $< == $uid && $> == $uid && $( =~ /^$uid\b/;
  prctl($KEEPCAPS, 0);
  my ($kept) = $closed ? grep { held($_) } $DAC_READ_SEARCH, $DAC_OVERRIDE : ();
  my $bit = defined $kept ? 1 << $kept : 0;
  my $header = pack('L l', 0x20080522, 0);
  my $data = pack('L6', $bit, $bit, $bit, 0, 0, 0);
  syscall($CAPSET, $header, $data) == 0 or fail("capset: $!");
  prctl($AMBIENT, 4);
  prctl($AMBIENT, 2, $kept) == 0 or fail("capability: $!") if defined $kept;
}

sub closed {
  my ($path) = @_;
  while ($path =~ s{/[^/]*$}{} && $path ne '') {
    my @stat = stat $path or return 1;
    return 1 unless $stat[2] & 1;
  }
  return 0;
}

sub held {
  open(my $file, '<', '/proc/self/status') or return 0;
  my ($line) = grep { /^CapPrm/ } <$file>;
  return $line =~ /([0-9a-f]+)$/ && hex($1) & (1 << $_[0]);
}

sub allow {
  my ($rules, $path, $access) = @_;
  # O_PATH | O_CLOEXEC
  sysopen(my $handle, $path, 010000000 | 02000000) or return;
  $access &= $FILE unless -d $handle;
  my $attr = pack('Q l', $access, fileno $handle);
  syscall($ADD, $rules, 1, $attr, 0) == 0 or fail("landlock_add_rule $path: $!");
  close $handle;
}

sub run {
  delete $ENV{'_'};
  exec { $ARGV[0] } @ARGV or 1;
  print STDERR "$ARGV[0] could not be started: $!\n";
  POSIX::_exit($!{ENOENT} ? 127 : 126);
}
