/**
 * What is wrong with the base URL of a service, in words for who wrote it; undefined when nothing is. Names no
 * part of it: what is in the wrong place may be a secret.
 */
export function urlProblem(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text)) return 'does not begin with http:// or https://'
  if (!URL.canParse(text)) return 'is no URL'
  const { username, password, search, hash } = new URL(text)
  if (username !== '' || password !== '') return 'holds a user name or a password'
  if (search !== '') return 'has a query (?…)'
  return hash === '' ? undefined : 'has a fragment (#…)'
}
