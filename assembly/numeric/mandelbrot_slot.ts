// What one task computes of an image, in shared memory: eight points at a time ("lanes"), where
// they come from and where counts go. Between calls all is here, so any thread can go on with it.

/** f64 × 8: the state z of each lane, and its c. */
export const X: usize = 0
export const Y: usize = 64
export const CX: usize = 128
export const CY: usize = 192
/** f64 × 8: z one block ago. */
export const X_BEFORE: usize = 256
export const Y_BEFORE: usize = 320
/** f64 × 8: the z that a cycle comes back to; NaN, equal to nothing, while there is none. */
export const X_KEPT: usize = 384
export const Y_KEPT: usize = 448
/** i32 × 8: -1 for a lane without a point, else 0. */
export const IDLE: usize = 512
/** i32 × 8: where the lane's count goes. */
export const POINT: usize = 544
/** i32 × 8: the step at which block 0 would have begun; wraps. */
export const ORIGIN: usize = 576
/** i32 × 8: the block with which all whole blocks are made. */
export const LAST: usize = 608
/** i32 × 8: the block with which z is kept, and how many blocks from there to the next time. */
export const KEEP: usize = 640
export const WINDOW: usize = 672

/** Blocks made so far; wraps. */
export const BLOCK: usize = 704
/** Blocks and tiles that this call may still make. */
export const BUDGET: usize = 708
/** Of the blocks that were allowed, those that were not made. */
export const BLOCKS_LEFT: usize = 808
/** Of the points [NEXT, END) no tile was made yet. */
export const NEXT: usize = 712
export const END: usize = 716
/** Points of the last tile that wait for a lane, as bits. */
export const WAITING: usize = 720

/** Where counts go: an i32 a point. */
export const COUNTS: usize = 724
/** An i32 that all tasks of the image share: the first point that nobody has taken. */
export const TAKEN: usize = 728
/** How many points are taken at once. */
export const CHUNK: usize = 732
/** Points are numbered from here: the first is FIRST of the whole grid. */
export const FIRST: usize = 736
export const POINTS: usize = 740
export const NX: usize = 744
export const NY: usize = 748
export const ITERATIONS: usize = 752
export const SHORTCUTS: usize = 756
/** f64: ends and steps of the grid. */
export const X_FROM: usize = 760
export const X_TO: usize = 768
export const X_STEP: usize = 776
export const Y_FROM: usize = 784
export const Y_TO: usize = 792
export const Y_STEP: usize = 800

/** The tile that was made last: f64 × 8 each, its x, and its first point. */
export const TILE_X: usize = 816
export const TILE_Y: usize = 880
export const TILE_CY: usize = 944
export const TILE_CX: usize = 1008
export const TILE_POINT: usize = 1016
/** src/kernel/mandelbrot/band.ts has the same. */
export const SLOT_BYTES: usize = 1024

export const LANES: u32 = 8
export const ALL_LANES: u32 = 0xff
/** Steps of a block, all made before anything is tested. */
export const BLOCK_STEPS: u32 = 8
/** Exact steps of each tile. Half of the outside is done with by then. */
export const TILE_STEPS: u32 = 16
