"""Scenes: textures from a prompt."""

import array
import os

import bpy


def fill(prompt="mossy stones", **fields):
    """Set the panel's fields."""
    settings = bpy.context.scene.latent_bridge
    settings.prompt, settings.size, settings.width, settings.height = prompt, "custom", 128, 128
    settings.steps, settings.fixed_seed, settings.seed = 2, True, 7
    for name, value in fields.items():
        setattr(settings, name, value)
    return settings


def wait(seconds=90):
    """Let all jobs end."""
    assert bpy.ops.latent_bridge.wait(timeout=seconds) == {"FINISHED"}


def jobs(addon):
    """The jobs as the panel knows them."""
    return list(addon.session.current().jobs.values())


def pixels(image):
    """All values of an image."""
    values = array.array("f", bytes(4 * 4 * image.size[0] * image.size[1]))
    image.pixels.foreach_get(values)
    return values


def base_colour_node(target):
    """The node that is wired to the base colour."""
    tree = target.active_material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    links = shader.inputs["Base Color"].links
    return links[0].from_node if links else None


def end_to_end(addon):
    """From the prompt to the material of the default cube."""
    target = bpy.context.object
    material = target.active_material
    fill()
    assert bpy.ops.latent_bridge.texture() == {"FINISHED"}
    wait()
    job = jobs(addon)[-1]
    assert not job.error, job.error
    node = base_colour_node(target)
    image = node.image
    return {
        "phase": job.phase.value,
        "same_material": target.active_material == material,
        "size": list(image.size),
        "colours": len(set(pixels(image))),
        "seed": image["seed"],
        "prompt": image["prompt"],
        "packed": image.packed_file is not None,
        "colour_space": image.colorspace_settings.name,
        "images": [each.name for each in bpy.data.images if "prompt" in each],
    }


def own_picture_stays(addon, folder):
    """A picture of one's own is edited, then a texture is made, then another: all of them are in the saved file."""
    target, mine = bpy.context.object, bpy.data.images.new("hand painted", 64, 64)
    mine.pixels.foreach_set(array.array("f", [0.2, 0.4, 0.6, 1.0] * (64 * 64)))
    mine.pack()
    tree = target.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = mine
    shader = next(each for each in tree.nodes if each.type == "BSDF_PRINCIPLED")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    fill()
    bpy.ops.latent_bridge.edit(image="hand painted")
    wait()
    for prompt in ("first", "second"):
        fill(prompt)
        bpy.ops.latent_bridge.texture()
        wait()
    found = {"node": node.image.name}
    path = f"{folder}/kept.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    return {**found, "lost": sorted({"hand painted", "first", "second"} - set(bpy.data.images.keys()))}


def another_file(addon):
    """A texture for no object, wanted in a file that is no longer open."""
    bpy.context.view_layer.objects.active = None
    fill()
    bpy.ops.latent_bridge.texture()
    bpy.ops.wm.read_homefile(app_template="")
    wait()
    return [jobs(addon)[-1].phase.value, "mossy stones" in bpy.data.images]


def what_is_wired_stays(addon):
    """A base colour that comes from another node is mixed below, and a second texture takes the first one's place."""
    target = bpy.context.object
    tree = target.active_material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    colour = tree.nodes.new("ShaderNodeRGB")
    tree.links.new(colour.outputs[0], shader.inputs["Base Color"])
    fill()
    for _ in range(2):
        bpy.ops.latent_bridge.texture()
        wait()
    mix = base_colour_node(target)
    return {
        "mix": mix.type,
        "below": mix.inputs[6].links[0].from_node == colour,
        "above": mix.inputs[7].links[0].from_node.image.name,
        "textures": sum(node.type == "TEX_IMAGE" for node in tree.nodes),
        "images": sorted(each.name for each in bpy.data.images if "prompt" in each),
    }


def without_a_material(addon):
    """An object without materials gets one; no object at all leaves a plain image."""
    target = bpy.context.object
    target.data.materials.clear()
    fill()
    bpy.ops.latent_bridge.texture()
    wait()
    made = base_colour_node(target).image.name
    bpy.context.view_layer.objects.active = None
    fill("sand")
    bpy.ops.latent_bridge.texture()
    wait()
    return {"wired": made, "plain": bpy.data.images["sand"].use_fake_user}


def one_undo_step(addon):
    """Undo takes the texture back, redo brings it again with its pixels."""
    target = bpy.context.object.name
    bpy.ops.ed.undo_push(message="before")
    fill()
    bpy.ops.latent_bridge.texture()
    wait()
    made = base_colour_node(bpy.data.objects[target]).image
    before = pixels(made)
    bpy.ops.ed.undo()
    gone = base_colour_node(bpy.data.objects[target])
    bpy.ops.ed.redo()
    again = base_colour_node(bpy.data.objects[target]).image
    return {"gone": gone is None, "same": pixels(again) == before}


def variants(addon):
    """Several to choose from: nothing is wired until one is chosen, and another choice takes its place."""
    target = bpy.context.object
    fill(variants=3)
    bpy.ops.latent_bridge.texture()
    wait()
    job = jobs(addon)[-1]
    untouched = base_colour_node(target) is None
    seeds = [variant.seed for variant in job.variants]
    chosen, shown = [], []
    for index in (2, 0):
        bpy.ops.latent_bridge.use(job=job.id, index=index)
        chosen.append(base_colour_node(target).image["seed"])
        shown.append(pixels(base_colour_node(target).image))
    return {
        "phase": job.phase.value,
        "untouched": untouched,
        "seeds": seeds,
        "chosen": chosen,
        "exchanged": shown[0] != shown[1],
        "images": len([each for each in bpy.data.images if "prompt" in each]),
        "thumbnail": max(job.variants[0].thumbnail.width, job.variants[0].thumbnail.height),
    }


def again(addon):
    """The settings on an image make the same picture again."""
    fill(seamless="x")
    bpy.ops.latent_bridge.texture()
    wait()
    first = base_colour_node(bpy.context.object).image
    before, name = pixels(first), first.name
    settings = fill("something else", width=64, seed=1, seamless="none")
    assert bpy.ops.latent_bridge.again(image=name, same_seed=True) == {"FINISHED"}
    wait()
    second = base_colour_node(bpy.context.object).image
    return {
        "same": pixels(second) == before,
        "other_image": second != first,
        "fields": [settings.prompt, settings.seamless, settings.width, settings.seed],
    }


def seamless(addon, axes):
    """A texture's values, rows from the bottom, for the test to measure its joints."""
    fill(seamless=axes, steps=4)
    bpy.ops.latent_bridge.texture()
    wait()
    image = base_colour_node(bpy.context.object).image
    return {"size": list(image.size), "values": [round(value * 255) for value in pixels(image)]}


def sizes(addon):
    """Any size comes as it was asked for, the largest too."""
    found = []
    for width, height in ((100, 72), (16, 640)):
        fill(width=width, height=height, steps=1)
        bpy.ops.latent_bridge.texture()
        wait()
        found.append(list(base_colour_node(bpy.context.object).image.size))
    return found


def several_and_cancel(addon):
    """Three jobs at once; one is cancelled while it waits or runs, the others arrive."""
    for number in range(3):
        fill(f"stone {number}", steps=20 if number == 1 else 1)
        bpy.ops.latent_bridge.texture()
    bpy.ops.latent_bridge.cancel(job=jobs(addon)[1].id)
    wait()
    return [job.phase.value for job in jobs(addon)]


def progress_and_previews(addon):
    """Every state that the panel went through."""
    fill(width=256, height=256, steps=8)
    bpy.ops.latent_bridge.texture()
    session = addon.session.current()
    seen = []

    def over():
        job = jobs(addon)[-1]
        seen.append((job.phase.value, job.text, round(job.fraction, 2), job.preview is not None))
        return job.over

    assert session.wait(over, 90)
    texts = list(dict.fromkeys(text for _, text, _, _ in seen))
    return {
        "texts": texts,
        "fractions": sorted({entry[2] for entry in seen}),
        "preview": any(entry[3] for entry in seen),
    }


def presets(addon):
    """A preset is added, chosen and taken away as every other of Blender's."""
    settings = fill(prompt="moss", steps=9, seamless="x")
    assert bpy.ops.latent_bridge.preset_add(name="Mossy") == {"FINISHED"}
    folder = bpy.utils.user_resource("SCRIPTS", path="presets/latent_bridge")
    before = os.listdir(folder)
    fill(prompt="sand", steps=3, seamless="none")
    bpy.ops.script.execute_preset(filepath=os.path.join(folder, before[0]), menu_idname="LATENTBRIDGE_PT_presets")
    chosen = [settings.prompt, settings.steps, settings.seamless, settings.width]
    bpy.ops.latent_bridge.preset_add(name="Mossy", remove_name=True)
    return {
        "files": [name.lower() for name in before],
        "chosen": chosen,
        "left": [name for name in os.listdir(folder) if name.endswith(".py")],
    }
