#!/usr/bin/env node
/**
 * The `bzzz` command. This file alone must parse on any Node since 12, so that an old one is told
 * what to do; everything else is loaded only by a Node that can run it.
 *
 * An agent runs for months beside other things. V8 sizes the space for new objects by the memory of
 * the machine and keeps what it took once: on a machine with 24 GiB, agents at work held 220 MiB of
 * heap for 75 MiB of objects. A smaller space took no more processor time (docs/bench.md). It can be
 * set only when Node starts, so `up` begins anew in the same process, where the system can do that.
 * Whoever names a size, in NODE_OPTIONS or as an argument of node, gets that one.
 */
var major = Number(process.versions.node.split('.')[0])

if (major < 24) {
  process.stderr.write(
    [
      'bzzz needs Node 24 or newer; this is Node ' + process.versions.node + '.',
      '',
      'In a checkout of Bzzz, npm brings a Node 24 of its own:',
      '  npm ci',
      '  npm start             the demo',
      '  npx bzzz …            any other command, in that directory',
      'Elsewhere, install Node 24: https://nodejs.org/en/download',
      '',
    ].join('\n'),
  )
  process.exitCode = 78
} else {
  var options = process.execArgv.concat(process.env.NODE_OPTIONS || '').join(' ')
  var isAgent = process.argv.indexOf('up', 2) !== -1
  if (isAgent && process.execve && !/semi[-_]space/.test(options)) {
    var flags = ['--max-semi-space-size=4'].concat(process.execArgv)
    process.execve(process.execPath, [process.execPath].concat(flags, process.argv.slice(1)))
  }
  Promise.all([import('node:module'), import('node:os'), import('node:path')])
    .then(function load([module, os, path]) {
      // Compiled code is kept in a directory of the user's own: half the start-up of a client command.
      let base = process.env.XDG_CACHE_HOME || ''
      try {
        base = base || path.join(os.homedir(), '.cache')
      } catch {
        // A user without a home: every start compiles anew.
      }
      if (path.isAbsolute(base)) module.enableCompileCache(path.join(base, 'bzzz', 'compile'))
      return import('./index.ts')
    })
    .then(function run(cli) {
      return cli.main(process.argv)
    })
    .then(
      function done(code) {
        process.exitCode = code
      },
      function failed(error) {
        process.stderr.write('bzzz: ' + ((error && error.stack) || error) + '\n')
        process.exitCode = 1
      },
    )
}
