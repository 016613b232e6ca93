/** What pages show as a picture of its text, and what of the text that picture does not show. */
import { HIDDEN_MARKER } from './html.ts'

/** Commands of TeX after which something is not seen, is seen elsewhere, or as something else. */
const TEX =
  /\\(?:[hv]?phantom|smash|[a-z]*color(?:box)?|(?:math)?[rlc]lap|class|cssId|style|href|unicode|require|(?:text)?tip|mathchoice|tiny|scriptsize|hspace|kern|raise|lower|def|let|gdef|newcommand|renewcommand)(?![a-z])/i
const FORMULA = /\$\$?[^$]+\$\$?/g
const COMMENT = /(?<!\\)%.*$/gm

/** Text outside of code: formulas in which something may be hidden are taken out. */
export function shownFormulas(text: string): string {
  if (!text.includes('$')) return text
  return text.replace(FORMULA, (whole) => (hides(whole) ? HIDDEN_MARKER : whole))
}

const hides = (tex: string) => TEX.test(tex) || /(?<!\\)%/.test(tex)

/** A code block in a language that pages draw: what the drawing does not show is taken out. */
export function shownDrawing(language: string, text: string): string {
  switch (language.toLowerCase()) {
    case 'math':
      return TEX.test(text) ? HIDDEN_MARKER : text.replace(COMMENT, HIDDEN_MARKER)
    case 'mermaid':
      return text.replace(/^.*(?:%%|accTitle|accDescr|\bclick\b|---[ \t]*$).*$/gm, HIDDEN_MARKER)
    case 'geojson':
    case 'topojson':
    case 'stl':
      return '[drawing]'
    default:
      return text
  }
}
