/**
 * What styles are made of; import it as `@proj/captcha-gen/stages`. A style decides by chance (`sample`), draws what was decided
 * stage by stage (`draw`) and tells it (`describe`); `defineStyle` makes the rest of it.
 *
 * Everywhere: y runs downwards, positions are whole pixels and name a pixel's left top corner, angles are degrees
 * counter-clockwise, colours are `[r, g, b, opacity]` of 0..255 and not premultiplied. What lies beyond a picture is cut off.
 */

// The frame.
export { type Color, type ColorInput, formatColor, parseColor, parseColors } from './color.js';
export { type Font, type FontSource, loadFont, loadFonts } from './font.js';
export { type Box, clipBox, inkBox, type Mask } from './mask.js';
// Stages that paint on the picture.
export { normalizePicture } from './normalize-colors.js';
export { fill, type Picture, paint } from './picture.js';
export { type Arc, drawArc } from './stages/arc.js';
export { type Dot, drawDot } from './stages/dots.js';
export { fillGradient } from './stages/gradient.js';
export { drawInk, type Ink, type LinearMap, paintInk } from './stages/ink.js';
// Stages for text on a transparent layer, which a wave may bend.
export {
  clearLayer,
  composeOver,
  createLayer,
  drawMask,
  type Layer,
  layerBox,
  type MaskRuns,
  maskRuns,
} from './stages/layer.js';
export { drawLine, type Line } from './stages/lines.js';
export { addNoise, type Noise } from './stages/noise.js';
// Stages for characters as pictures of their own, which are turned, stretched and warped before they are pasted.
export { pasteByLightness } from './stages/paste.js';
export { type Quad, warpQuad } from './stages/quad.js';
export { type Pixels, resizeBicubic } from './stages/resize.js';
export { premultiply, type Rgba, tint, unpremultiply } from './stages/rgba.js';
export { type RotatedMask, rotate } from './stages/rotate.js';
export { smooth } from './stages/smooth.js';
export { drawSpeck } from './stages/specks.js';
export { turn } from './stages/turn.js';
export { applyWave, createWave, type Wave } from './stages/wave.js';
export {
  type CaptchaParameters,
  type CaptchaStyle,
  type CharacterParameters,
  checkRoom,
  checkSize,
  defineStyle,
  type StyleDefinition,
  type StyleRecipe,
} from './style.js';
export { type Length, type PartOptions, partDrawer, randomTexts, type Text, type TextSource } from './texts.js';
export { cos, sin } from './trigonometry.js';
