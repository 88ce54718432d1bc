"""Scenes: the Image Editor's tasks, and the round trip of pixels."""

import array
import random

import bpy


def picture(name="painted", width=128, height=96, float_buffer=False):
    """An unsaved image with pixels that nobody has but it."""
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=float_buffer)
    source = random.Random(3)
    values = array.array("f", [source.randrange(256) / 255 if n % 4 != 3 else 1.0 for n in range(width * height * 4)])
    image.pixels.foreach_set(values)
    return image


def pixels(image):
    """All values of an image as bytes."""
    values = array.array("f", bytes(4 * 4 * image.size[0] * image.size[1]))
    image.pixels.foreach_get(values)
    return [round(value * 255) for value in values]


def settings(**fields):
    """Set the panel's fields."""
    found = bpy.context.scene.latent_bridge
    found.prompt, found.steps, found.fixed_seed, found.seed, found.seamless = "sand", 2, True, 5, "none"
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def run(operator, **arguments):
    """Call an operator and let its job end; returns how it ended."""
    result = operator(**arguments)
    bpy.ops.latent_bridge.wait(timeout=90)
    return result


def last_job(addon):
    """The job that was begun last."""
    return list(addon.session.current().jobs.values())[-1]


def nothing_changes_at_strength_0(addon):
    """Image → daemon → image: with a strength of 0 every bit comes back."""
    image = picture()
    before = pixels(image)
    settings(strength=0.0)
    run(bpy.ops.latent_bridge.edit, image=image.name)
    return {"same": pixels(image) == before, "error": last_job(addon).error, "size": list(image.size)}


def edit_and_restore(addon):
    """The same image changes, and what it was can be brought back, and forth."""
    image = picture()
    before = pixels(image)
    settings(strength=0.8)
    run(bpy.ops.latent_bridge.edit, image=image.name)
    edited = pixels(image)
    kept = bpy.data.images[image["latent_bridge_previous"]]
    found = {"changed": edited != before, "kept": pixels(kept) == before, "kept_is_saved": kept.use_fake_user}
    bpy.ops.latent_bridge.restore(image=image.name)
    found["restored"] = pixels(image) == before
    bpy.ops.latent_bridge.restore(image=image.name)
    found["again"] = pixels(image) == edited
    return found


def undo_an_edit(addon):
    """Undo brings the painted pixels back, redo the edited ones."""
    name = picture().name
    bpy.data.images[name].use_fake_user = True
    bpy.ops.ed.undo_push(message="painted")
    before = pixels(bpy.data.images[name])
    settings(strength=0.8)
    run(bpy.ops.latent_bridge.edit, image=name)
    edited = pixels(bpy.data.images[name])
    bpy.ops.ed.undo()
    undone = pixels(bpy.data.images[name])
    bpy.ops.ed.redo()
    return {"undone": undone == before, "redone": pixels(bpy.data.images[name]) == edited != before}


def painted(name, colour):
    """An unsaved image of one colour; its first value, 0 to 255."""
    image = bpy.data.images.new(name, 64, 64, alpha=True)
    image.pixels.foreach_set(array.array("f", colour * (64 * 64)))
    image.use_fake_user = True
    bpy.ops.ed.undo_push(message="painted")
    return pixels(image)


def undo_between_two_choices(addon):
    """One variant is used, undone, another used, another, and all of it undone again."""
    before = painted("mine", [0.2, 0.4, 0.6, 1.0])
    settings(strength=0.8, variants=2)
    run(bpy.ops.latent_bridge.edit, image="mine")
    job, seen = last_job(addon).id, []

    def use(index):
        bpy.ops.latent_bridge.use(job=job, index=index)
        bpy.ops.latent_bridge.wait(timeout=30)
        seen.append(pixels(bpy.data.images["mine"]))

    use(0)
    bpy.ops.ed.undo()
    found = {"undone": pixels(bpy.data.images["mine"]) == before}
    use(1)
    use(0)
    found["kept"] = pixels(bpy.data.images[bpy.data.images["mine"]["latent_bridge_previous"]]) == before
    bpy.ops.ed.undo()
    found["the other"] = pixels(bpy.data.images["mine"]) == seen[1] != seen[2]
    bpy.ops.ed.undo()
    found["all undone"] = pixels(bpy.data.images["mine"]) == before
    return found


def undo_after_connecting_anew(addon):
    """A new session knows what the former one put into images."""
    before = painted("mine", [0.2, 0.4, 0.6, 1.0])
    settings(strength=0.8)
    run(bpy.ops.latent_bridge.edit, image="mine")
    edited = pixels(bpy.data.images["mine"])
    bpy.ops.latent_bridge.connect()
    bpy.ops.ed.undo()
    return {"changed": edited != before, "undone": pixels(bpy.data.images["mine"]) == before}


def mask_in_an_editor(addon):
    """New Mask shows the mask; Inpaint repaints the picture, and shows it again."""
    image = picture("albedo")
    settings()
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "IMAGE_EDITOR"
    space = area.spaces.active
    space.image = image
    region = next(each for each in area.regions if each.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region, space_data=space):
        bpy.ops.latent_bridge.new_mask()
        found = {"painted on": space.image.name}
        space.image.pixels.foreach_set(array.array("f", [1.0] * (128 * 96 * 4)))
        bpy.ops.latent_bridge.inpaint()
        found["shown"] = space.image.name
    found["repainted"] = last_job(addon).target.image
    bpy.ops.latent_bridge.wait(timeout=90)
    return {**found, "error": last_job(addon).error}


def sixteen_bits(addon, folder):
    """A PNG of 16 bits comes back as bright as it was, and so does its previous version."""
    path = f"{folder}/sixteen.png"
    made = picture("sixteen", 64, 64, float_buffer=True)
    scene = bpy.context.scene.render.image_settings
    scene.file_format, scene.color_mode, scene.color_depth = "PNG", "RGBA", "16"
    made.save_render(path)
    image = bpy.data.images.load(path)
    before = pixels(image)
    settings(strength=0.0)
    run(bpy.ops.latent_bridge.edit, image=image.name)
    found = {"floats": image.is_float, "error": last_job(addon).error}
    found["edited"] = max(abs(a - b) for a, b in zip(pixels(image), before, strict=True))
    bpy.ops.latent_bridge.restore(image=image.name)
    found["restored"] = max(abs(a - b) for a, b in zip(pixels(image), before, strict=True))
    return found


def generate_again(addon):
    """What was made of another picture cannot be made from words alone: the fields stay, and it is said."""
    image = picture()
    settings(strength=0.8)
    run(bpy.ops.latent_bridge.edit, image=image.name)
    settings(prompt="something else")
    jobs = len(addon.session.current().jobs)
    result = bpy.ops.latent_bridge.again(image=image.name)
    return [list(result), len(addon.session.current().jobs) - jobs, bpy.context.scene.latent_bridge.prompt]


def paint_after_an_edit(addon):
    """What is painted on a result is not lost by an undo of something else."""
    name = picture().name
    bpy.data.images[name].use_fake_user = True
    settings(strength=0.8)
    run(bpy.ops.latent_bridge.edit, image=name)
    image = bpy.data.images[name]
    image.pixels.foreach_set(array.array("f", [0.5]) * (128 * 96 * 4))
    painted = pixels(image)
    bpy.ops.ed.undo_push(message="painted")
    bpy.ops.mesh.primitive_plane_add()
    bpy.ops.ed.undo_push(message="plane")
    bpy.ops.ed.undo()
    return pixels(bpy.data.images[name]) == painted


def inpaint_box(addon):
    """Only what the box covers changes, give or take the blend."""
    image = picture(width=256, height=192)
    before = pixels(image)
    settings(strength=1.0, mask_from="box", box=(112, 64, 144, 96))
    run(bpy.ops.latent_bridge.inpaint, image=image.name)
    return {"size": list(image.size), "before": before, "after": pixels(image), "error": last_job(addon).error}


def inpaint_mask(addon):
    """The same by a painted mask, which is left as it is."""
    image = picture(width=256, height=192)
    before = pixels(image)
    bpy.ops.latent_bridge.new_mask(image=image.name)
    mask = bpy.context.scene.latent_bridge.mask_image
    inside = [112 <= n % 256 < 144 and 64 <= n // 256 < 96 for n in range(256 * 192)]
    values = array.array("f", [value for white in inside for value in (white, white, white, 1.0)])
    mask.pixels.foreach_set(values)
    drawn = pixels(mask)
    settings(strength=1.0)
    run(bpy.ops.latent_bridge.inpaint, image=image.name)
    return {
        "size": list(image.size),
        "before": before,
        "after": pixels(image),
        "mask_stays": pixels(mask) == drawn,
        "error": last_job(addon).error,
    }


def empty_mask(addon):
    """What is said when nothing is selected."""
    image = picture()
    settings(mask_from="box", box=(0, 0, 0, 0))
    run(bpy.ops.latent_bridge.inpaint, image=image.name)
    job = last_job(addon)
    return {"phase": job.phase.value, "error": job.error, "hint": job.hint}


def outpaint_and_upscale(addon):
    """The image grows, its old pixels where they belong."""
    image = picture()
    before = pixels(image)
    settings(grow=(32, 0, 16, 8))
    run(bpy.ops.latent_bridge.outpaint, image=image.name)
    grown, after = list(image.size), pixels(image)
    other = picture("small", 64, 64)
    settings(scale=2.0, detail=0.2)
    run(bpy.ops.latent_bridge.upscale, image=other.name)
    return {
        "grown": grown,
        "before": before,
        "after": after,
        "upscaled": list(other.size),
        "error": last_job(addon).error,
    }


def floats(addon):
    """An image in linear light keeps values above 1 at strength 0."""
    image = bpy.data.images.new("light", 64, 64, float_buffer=True)
    values = array.array("f", [(n % 97) / 48 if n % 4 != 3 else 1.0 for n in range(64 * 64 * 4)])
    image.pixels.foreach_set(values)
    settings(strength=0.0)
    run(bpy.ops.latent_bridge.edit, image=image.name)
    after = array.array("f", bytes(4 * len(values)))
    image.pixels.foreach_get(after)
    return {
        "error": max(abs(a - b) for a, b in zip(after, values, strict=True)),
        "size": list(image.size),
        "said": last_job(addon).error,
    }


def floats_before(addon):
    """What an image of floats was is kept to the bit, comes back by the button, and by an undo."""
    image = bpy.data.images.new("light", 64, 64, float_buffer=True)
    values = array.array("f", [(n % 97) / 48 if n % 4 != 3 else 1.0 for n in range(64 * 64 * 4)])
    image.pixels.foreach_set(values)
    bpy.ops.ed.undo_push(message="before")

    def shown(of):
        found = array.array("f", bytes(4 * len(values)))
        bpy.data.images[of].pixels.foreach_get(found)
        return found

    settings(strength=0.9)
    run(bpy.ops.latent_bridge.edit, image="light")
    edited = shown("light")
    bpy.ops.ed.undo()
    undone = shown("light") == values
    bpy.ops.ed.redo()
    kept = shown("light before 1") == values
    bpy.ops.latent_bridge.restore(image="light")
    restored = shown("light") == values
    bpy.ops.latent_bridge.restore(image="light")
    again = shown("light") == edited
    return {
        "changed": edited != values,
        "kept": kept,
        "restored": restored,
        "again": again,
        "undone": undone,
    }


def target_gone(addon):
    """The image is removed while the job runs: the result is offered, and becomes an image of its own."""
    image = picture()
    settings(strength=0.8)
    bpy.ops.latent_bridge.edit(image=image.name)
    bpy.data.images.remove(image)
    bpy.ops.latent_bridge.wait(timeout=90)
    job = last_job(addon)
    offered = job.phase.value
    bpy.ops.latent_bridge.use(job=job.id, index=0)
    return {"offered": offered, "image": list(bpy.data.images[last_job(addon).applied].size)}
