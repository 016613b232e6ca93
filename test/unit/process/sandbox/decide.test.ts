import { describe, expect, it } from 'vitest'
import { candidates, decideSandbox, type Finding } from '../../../../src/process/sandbox/decide.ts'
import { inContainer, landlockLacks } from '../../../../src/process/sandbox/find.ts'

const works = (kind: Finding['kind'], lacks: string[] = []): Finding => ({
  kind,
  works: true,
  why: '',
  lacks,
})
const fails = (kind: Finding['kind'], why: string, next?: string): Finding => ({
  kind,
  works: false,
  why,
  lacks: [],
  ...(next === undefined ? {} : { next }),
})

describe('the sandbox in force', () => {
  it('is the first that works, with what it lacks and why no better one', () => {
    const findings = [fails('bubblewrap', 'Not there.', 'Install it.'), works('landlock', ['a'])]
    expect(decideSandbox('auto', findings)).toEqual({
      kind: 'landlock',
      off: false,
      why: 'landlock works here. bubblewrap: Not there.',
      next: 'Install it.',
      lacks: ['a'],
    })
    expect(decideSandbox('auto', [works('bubblewrap')])).toMatchObject({ kind: 'bubblewrap' })
  })

  it('is none, with every reason and what to do, when nothing works', () => {
    const state = decideSandbox('auto', [
      fails('bubblewrap', 'Refused.', 'Allow it.'),
      fails('landlock', 'Too old.', 'Upgrade.'),
    ])
    expect(state).toMatchObject({ kind: 'none', off: false })
    expect(state.why).toContain('bubblewrap: Refused. landlock: Too old.')
    expect(state.next).toMatch(/^Allow it\..*`work\.sandbox: off`/)
  })

  it('is none without a look when the operator says so', () => {
    expect(candidates('off')).toEqual([])
    expect(decideSandbox('off', [])).toMatchObject({ kind: 'none', off: true })
  })

  it('advises what can be done in a container, where bubblewrap cannot work', () => {
    const refused = fails('bubblewrap', 'Refused.', 'Allow user namespaces.')
    const good = decideSandbox('auto', [refused, works('landlock')], true)
    expect(good.next).toMatch(/^Nothing to do: .*`work\.sandbox: container`/)
    const none = decideSandbox('auto', [refused, fails('landlock', 'None.', 'Upgrade.')], true)
    expect(none.next).toMatch(/^Upgrade\./)
    expect(decideSandbox('bubblewrap', [refused], true).next).toMatch(/^Allow user namespaces/)
    expect(inContainer({ container: 'podman' })).toBe(true)
  })

  it('is looked for where it was asked for only', () => {
    expect(candidates('auto')).toEqual(['bubblewrap', 'landlock'])
    expect(candidates('landlock')).toEqual(['landlock'])
    expect(candidates('container')).toEqual(['container'])
  })

  it('lacks more the older Landlock is, and as a plain user', () => {
    expect(landlockLacks(6, true).length).toBeLessThan(landlockLacks(5, true).length)
    expect(landlockLacks(5, true).length).toBeLessThan(landlockLacks(3, true).length)
    expect(landlockLacks(6, true).length).toBeLessThan(landlockLacks(6, false).length)
  })
})
