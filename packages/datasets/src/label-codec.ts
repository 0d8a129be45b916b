/** Labels as class indices and back. */
export interface LabelCodec<Config extends LabelCodecConfig = LabelCodecConfig> {
  /** Everything the codec is made of, as plain JSON: what a saved model keeps beside its weights. */
  readonly config: Config;
  /** Numbers of an encoded label. */
  readonly length: number;
  /** Their shape: `[length]` for positions, `[]` for one class a picture. */
  readonly shape: readonly number[];
  /** Classes at each position. */
  readonly numClasses: number;
  /** A label as `length` numbers. */
  encode(label: string): Int32Array;
  /** The label that such numbers stand for. */
  decode(values: ArrayLike<number>): string;
}

/** What makes a codec again: `labelCodec(config)`. */
export type LabelCodecConfig = FixedLengthConfig | CtcConfig | ClassNamesConfig | OneHotConfig;

export interface FixedLengthConfig {
  readonly kind: 'fixed-length';
  /** The characters in the order of their classes. */
  readonly charset: string;
  /** Positions of a label. */
  readonly length: number;
  /** Whether labels may be shorter; the empty positions at their end have the last class. */
  readonly padded: boolean;
}

export interface CtcConfig {
  readonly kind: 'ctc';
  /** The characters in the order of their classes. */
  readonly charset: string;
  /** Characters of the longest label. */
  readonly length: number;
  /** Whether the blank is class 0, before the characters, or the last, after them. */
  readonly blank: 'first' | 'last';
}

export interface ClassNamesConfig {
  readonly kind: 'class-names';
  /** The names in the order of their classes. */
  readonly names: readonly string[];
}

export interface OneHotConfig {
  readonly kind: 'one-hot';
  /** The codec whose indices become rows of zeros and a one. */
  readonly of: FixedLengthConfig | ClassNamesConfig;
}
