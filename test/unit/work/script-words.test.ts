import { describe, expect, it } from 'vitest'
import { scriptWords } from '../../../src/work/script-words.ts'

const places = (run: string[]) => scriptWords(run).map(({ index }) => index)

describe('words that would become a script', () => {
  it.each<[string[], number[]]>([
    [['sh', '-c', 'echo {{x}}'], [2]],
    [['/bin/bash', '-lc', '{{ x }}'], [2]],
    [['bash', '-o', 'pipefail', '-ec', 'echo {{x}}'], [4]],
    [['bash', '-euoc', 'pipefail', 'echo {{x}}'], [3]],
    [['bash', '-c', '-o', 'pipefail', '--', 'echo {{x}}'], [5]],
    [['sh', '-{{x}}', '{{y}}'], [1]],
    [['fish', '--command=echo {{x}}'], [1]],
    [['env', 'A=1', 'timeout', '5', 'busybox', 'sh', '-c', 'echo {{x}}'], [7]],
    [['env', '-S', 'sh -c {{x}}'], [2]],
    [['python3.12', '-Ic', 'print("{{x}}")'], [2]],
    [['python3', '-cprint("{{x}}")'], [1]],
    [['python', '-W', 'ignore', '-c', '{{x}}'], [4]],
    [['../node_modules/.bin/node', '--import', './x.mjs', '--eval', 'f("{{x}}")'], [4]],
    [['node', '--eval={{x}}'], [1]],
    [['node', '-pe', '{{x}}'], [2]],
    [['deno', 'eval', '--ext=ts', '{{x}}'], [3]],
    [['perl', '-i.bak', '-pe', 's/a/{{x}}/'], [3]],
    [['perl', '-lane', 'a', '-e', '{{x}}', '{{y}}'], [4]],
    [['perl', '-MData::Dumper', '-e', '{{x}}'], [3]],
    [['ruby', '-e', 'puts "{{x}}"'], [2]],
    [['php', '-r', 'echo {{x}};'], [2]],
    [['Rscript', '-e', '{{x}}'], [2]],
    [['awk', '-F', ',', '/{{x}}/', 'f'], [3]],
    [['sed', '-i', 's/a/{{x}}/', 'f'], [2]],
    [['su', 'me', '-c', 'echo {{x}}'], [3]],
    [['sh', '-c', '"$@"', 'sh', 'perl', '-e', '{{x}}'], [6]],
    [['{{x}}', 'a'], [0]],
  ])('%j', (run, expected) => {
    expect(places(run)).toEqual(expected)
  })

  it.each<[string[]]>([
    [['sh', '-c', 'echo "$1"', 'sh', '{{x}}']],
    [['sh', 'scripts/go.sh', '-c', '{{x}}']],
    [['bash', '-e', 'scripts/go.sh', '{{x}}']],
    [['node', 'scripts/release.mjs', '-e', '{{x}}']],
    [['node', '-e', 'console.log(process.argv[1])', '{{x}}']],
    [['node', '--test', '--to={{x}}']],
    [['python3', '-c', 'import sys', '{{x}}']],
    [['python3', '-m', 'tool', '-c', '{{x}}']],
    [['perl', '-e', 'print $ARGV[0]', '{{x}}']],
    [['awk', '-v', 'x={{x}}', 'BEGIN { print x }', '{{y}}']],
    [['awk', '-f', 'a.awk', '{{x}}']],
    [['sed', '-n', '-e', 'p', '{{x}}']],
    [['npm', 'version', '{{x}}']],
    [['git', '-c', 'user.name=x', 'tag', '{{x}}']],
    [['grep', '-c', '{{x}}', 'f']],
  ])('%j has none', (run) => {
    expect(places(run)).toEqual([])
  })

  it('are told with what to write instead', () => {
    const [found] = scriptWords(['python3', '-c', 'print("{{who}}")'])
    expect(found?.message).toContain(`[python3, -c, 'import sys; print(sys.argv[1])', "{{who}}"]`)
    const [other] = scriptWords(['sed', 's/a/{{who}}/'])
    expect(other?.message).toContain('write a script in the repository')
  })
})
