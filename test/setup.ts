/** Run by Vitest before each test file. */
import { afterAll, afterEach } from 'vitest'
import { endTest } from './every-test.ts'

afterEach(endTest)
afterAll(endTest)
