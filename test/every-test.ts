/**
 * What helpers have to do after every test. Files that share a process load a helper once, and a hook
 * that it registers while it is loaded holds for the first of them only; `setup.ts` is run for each.
 */
type Act = () => unknown

const acts = new Set<Act>()

/** Called after each test of every file that this process runs from now on, and after each file; may fail the test. */
export const afterEveryTest = (act: Act): void => void acts.add(act)

/** The last that was registered comes first. */
export async function endTest(): Promise<void> {
  for (const act of [...acts].toReversed()) await act()
}
