/** The operators' console: a bundle of its own, so that people never load it. */
import { render } from 'preact'
import '../design/fonts.css'
import '../design/tokens.css'
import '../design/base.css'
import '../design/parts.css'
import '../design/forms.css'
import './console.css'
import { Frame } from './frame.tsx'

render(<Frame />, document.getElementById('app')!)
