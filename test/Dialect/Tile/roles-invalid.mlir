// If this fails, a constraint of roles or channels is not checked, or its message
// no longer says rule and fact.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics | FileCheck %s --allow-empty
// CHECK-NOT: gpu.func

// expected-error @below {{expects at least 1 slot, got 0}}
func.func private @channel_slots(!tile.channel<0, <64x64xf32>>)

// -----
// expected-error @below {{expects at least 1 buffer a slot, got 0}}
func.func private @channel_buffers(!tile.channel<2>)

// -----
gpu.module @m { gpu.func @roles_c1_names() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-error @below {{expects roles of distinct names, got 'a' twice}}
  tile.roles a(warps = 1) {}, a(warps = 1) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c1_warps() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-error @below {{expects at least 1 warp for 'b', got 0}}
  tile.roles a(warps = 2) {}, b(warps = 0) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c1_copies() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-error @below {{expects at least 1 copy of 'a', got 0}}
  tile.roles a(warps = 2, copies = 0) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c1_all() kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
  // expected-error @below {{expects at most 15 copies of all roles, got 16}}
  tile.roles a(warps = 1, copies = 16) {}
  gpu.return
} }

// -----
func.func @role_copy_c1() {
  // expected-error @below {{expects to stand in a role (tile.roles)}}
  %w = tile.role_copy
  return
}

// -----
gpu.module @m { gpu.func @roles_c1_counts() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-error @below {{expects a name, warps and a region for each of 1 to 15 roles, got 2 names, 1 numbers of warps and 1 regions}}
  "tile.roles"() <{names = ["a", "b"], warps = array<i64: 2>, copies = array<i64: 1>, registers = array<i64: 0>}> ({
  ^bb0:
  }) : () -> ()
  gpu.return
} }

// -----
func.func @roles_c2_kernel() {
  // expected-error @below {{expects to stand in the body of a kernel that states its block size, got func.func}}
  tile.roles a(warps = 2) {}
  return
}

// -----
gpu.module @m { gpu.func @roles_c2_two() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-error @below {{expects to be the only one of its kernel, got two}}
  tile.roles a(warps = 2) {}
  // expected-note @below {{the other one}}
  tile.roles a(warps = 2) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c3() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{expects roles for 128 threads of the block, got 3 warps, 96 threads}}
  tile.roles a(warps = 1) {}, b(warps = 2) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c4_layout(%v: tensor<64x64xbf16, #tile.acc<warps = [4, 1]>>) kernel
    attributes {known_block_size = array<i32: 64, 1, 1>} {
  tile.roles a(warps = 2) {
    // expected-error @below {{expects layouts over at most the 2 warps of role 'a', got 4 in}}
    %x = arith.extf %v : tensor<64x64xbf16, #tile.acc<warps = [4, 1]>> to tensor<64x64xf32, #tile.acc<warps = [4, 1]>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c5_number() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{expects registers that are a multiple of 8 from 24 to 248, got 100}}
  tile.roles a(warps = 4, registers = 100) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c5_group() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
  // expected-error @below {{expects roles that share a group of four warps to have the same registers, got 24 for 'a' and 0 for 'b'}}
  tile.roles a(warps = 1, registers = 24) {}, b(warps = 3) {}
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c6(%v: tensor<32xf32, #tile.lanes>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-note @below {{the buffer}}
  %b = tile.alloc : !tile.buffer<1x32xf32>
  tile.roles a(warps = 1) {
    // expected-error @below {{expects a buffer that role 'a' writes to be used by no other, got role 'b'; tiles pass between roles through a channel}}
    tile.store_vector %v, %b : tensor<32xf32, #tile.lanes>, !tile.buffer<1x32xf32>
  }, b(warps = 1) {
    %x = tile.load_vector %b : !tile.buffer<1x32xf32> -> tensor<32xf32, #tile.slice<0 of <warps = [1, 1]>>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c7_two(%i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-note @below {{the channel}}
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  tile.roles a(warps = 1) {
    // expected-error @below {{expects a channel with one producer role and at least one consumer role, got 2 and 0}}
    %x = tile.acquire %ch[%i] : !tile.channel<2, <1x32xf32>>
    tile.commit_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
  }, b(warps = 1) {
    %x = tile.acquire %ch[%i] : !tile.channel<2, <1x32xf32>>
    tile.commit_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c7_none(%i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  // expected-note @below {{the channel}}
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  tile.roles a(warps = 2) {
    // expected-error @below {{expects a channel with one producer role and at least one consumer role, got 0 and 1}}
    %x = tile.wait_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
    tile.release %ch[%i] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c8_commit(%i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  tile.roles a(warps = 2) {
    // expected-error @below {{expects one tile.commit_slot of the same channel and index after it in its block, got none}}
    %x = tile.acquire %ch[%i] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c8_index(%i: index, %j: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  tile.roles a(warps = 2) {
    %x = tile.wait_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
    // expected-error @below {{expects a tile.wait_slot of the same channel and index before it in its block, got none}}
    tile.release %ch[%j] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @roles_c8_twice(%i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  tile.roles a(warps = 2) {
    %x = tile.wait_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
    // expected-error @below {{expects one tile.release before the slot is taken again, got none}}
    %y = tile.wait_slot %ch[%i] : !tile.channel<2, <1x32xf32>>
    tile.release %ch[%i] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @channel_c1() kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  tile.roles a(warps = 2) {
    // expected-error @below {{expects to stand before the roles, got one in role 'a'}}
    %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }

// -----
gpu.module @m { gpu.func @acquire_c1_role(%i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  %ch = tile.channel : !tile.channel<2, <1x32xf32>>
  // expected-error @below {{expects to stand in a role (tile.roles)}}
  %x = tile.acquire %ch[%i] : !tile.channel<2, <1x32xf32>>
  gpu.return
} }

// -----
gpu.module @m { gpu.func @release_c1_channel(%ch: !tile.channel<2, <1x32xf32>>, %i: index) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
  tile.roles a(warps = 2) {
    // expected-error @below {{expects a channel made by tile.channel}}
    tile.release %ch[%i] : !tile.channel<2, <1x32xf32>>
  }
  gpu.return
} }
